# mypy: ignore-errors
import argparse
import copy
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
d = load_digits()
X = (torch.tensor(d.data, dtype=torch.float32) / 16 - 0.3) / 0.37


def aug(x):
    return x * (torch.rand_like(x) > 0.2) * (1 + 0.2 * torch.randn(len(x), 1)) + 0.2 * torch.randn_like(x)


def mlp(i, h, o):
    return nn.Sequential(nn.Linear(i, h), nn.BatchNorm1d(h), nn.ReLU(), nn.Linear(h, o))


on = nn.Sequential(mlp(64, 128, 64), mlp(64, 128, 32))
pred = mlp(32, 64, 32)
tg = copy.deepcopy(on)
for p in tg.parameters():
    p.requires_grad_(False)
opt = torch.optim.Adam([*on.parameters(), *pred.parameters()], 1e-3, weight_decay=1e-6)
step = 0
E = 30
tot = E * (1797 // 128)


def rl(p, z):
    return 2 - 2 * F.cosine_similarity(p, z.detach(), dim=-1)


for e in range(E):
    for b in torch.randperm(1797).split(128):
        if len(b) < 128:
            continue
        a, c = aug(X[b]), aug(X[b])
        loss = (rl(pred(on(a)), tg(c)) + rl(pred(on(c)), tg(a))).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        step += 1
        tau = 1 - (1 - 0.99) * (math.cos(math.pi * step / tot) + 1) / 2
        with torch.no_grad():
            for q, k in zip(on.parameters(), tg.parameters()):
                k.mul_(tau).add_(q, alpha=1 - tau)
    if e % 5 == 0:
        print(e, loss.item())
