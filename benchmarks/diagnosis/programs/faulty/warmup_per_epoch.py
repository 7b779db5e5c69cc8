# mypy: ignore-errors
# /// diagnosis
# fault = "a warm-up that counts steps is advanced once an epoch: the rate stays near 0"
# rules = ["learning_rate."]
# words = ["warm"]
# within = 450
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
ld = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), 32, shuffle=True)
enc = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)


class Net(nn.Module):
    def __init__(s):
        super().__init__()
        s.emb = nn.Linear(8, 32)
        s.enc = nn.TransformerEncoder(enc, 2)
        s.fc = nn.Linear(32, 10)

    def forward(s, x):
        return s.fc(s.enc(s.emb(x.view(-1, 8, 8))).mean(1))


net = Net()
opt = torch.optim.AdamW(net.parameters(), lr=5e-4)
warm = 4000
sch = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min((s + 1) / warm, (warm / (s + 1)) ** 0.5))
for ep in range(8):
    for x, y in ld:
        loss = F.cross_entropy(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    sch.step()
    print(ep, loss.item(), sch.get_last_lr())
