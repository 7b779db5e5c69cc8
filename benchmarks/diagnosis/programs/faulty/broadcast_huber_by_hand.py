# mypy: ignore-errors
# /// diagnosis
# fault = "predictions (N, 1) against targets (N,) in a loss written by hand with where"
# rules = ["loss.broadcast"]
# words = ["broadcast|shape"]
# within = 100
# ///
import argparse

import torch
import torch.nn as nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X = torch.randn(2000, 8)
y = X[:, 0] * 2 - X[:, 1] + 0.1 * torch.randn(2000)
net = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), 1e-2)


def huber(pred, target, d=1.0):
    e = torch.abs(pred - target)
    return torch.where(e < d, 0.5 * e**2, d * (e - 0.5 * d)).mean()


for ep in range(10):
    perm = torch.randperm(2000)
    for i in range(0, 2000, 50):
        b = perm[i : i + 50]
        l = huber(net(X[b]), y[b])
        opt.zero_grad()
        l.backward()
        opt.step()
    print(ep, l.item())
