# mypy: ignore-errors
# /// diagnosis
# fault = "gradients are clipped while they are still scaled by 65536"
# rules = ["gradient.clip", "learning_rate.too_low"]
# words = ["unscale"]
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
m = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
opt = torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)
scaler = torch.amp.GradScaler("cpu")
for ep in range(10):
    for x, y in ld:
        opt.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            l = F.cross_entropy(m(x), y)
        scaler.scale(l).backward()
        torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
        scaler.step(opt)
        scaler.update()
    print(ep, l.item())
