# mypy: ignore-errors
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X = torch.rand(800, 5) * 2 - 1
y = torch.sin(3 * X[:, :1]) + X[:, 1:2] ** 2 + 0.3 * torch.randn(800, 1)
m = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 1))
o = torch.optim.SGD(m.parameters(), 0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(o, factor=0.3, patience=3, min_lr=1e-7)
for e in range(90):
    m.train()
    for b in torch.randperm(600).split(40):
        l = F.mse_loss(m(X[b]), y[b])
        o.zero_grad()
        l.backward()
        o.step()
    m.eval()
    with torch.no_grad():
        v = F.mse_loss(m(X[600:]), y[600:]).item()
    scheduler.step(v)
    print(e, v, o.param_groups[0]["lr"]) if e % 10 == 0 else None
