# mypy: ignore-errors
# /// diagnosis
# fault = "F.dropout(x, 0.9) where 0.9 was meant to be kept"
# rules = ["model.dropout"]
# words = ["drop", "90"]
# within = 100
# ///
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
d = load_digits()
X = torch.tensor(d.data, dtype=torch.float32) / 16
Y = torch.tensor(d.target)
ld = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), 64, shuffle=True)


class M(nn.Module):
    def __init__(s):
        super().__init__()
        s.a = nn.Linear(64, 128)
        s.b = nn.Linear(128, 10)

    def forward(s, x):
        return s.b(F.dropout(F.relu(s.a(x)), 0.9, training=s.training))


m = M()
opt = torch.optim.Adam(m.parameters(), 1e-3)
for ep in range(8):
    for x, y in ld:
        opt.zero_grad()
        l = F.cross_entropy(m(x), y)
        l.backward()
        opt.step()
    print(ep, l.item())
