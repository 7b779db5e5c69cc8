# mypy: ignore-errors
# /// diagnosis
# fault = "two views are made alike without a stop-gradient: outputs collapse to one point"
# rules = ["loss.target", "loss.collapse"]
# words = ["collapse|constant"]
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
X = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 16 - 0.3
ld = torch.utils.data.DataLoader(X, 128, shuffle=True, drop_last=True)
f = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 32, 3, 2, 1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(512, 64),
    nn.ReLU(),
    nn.Linear(64, 32),
)
opt = torch.optim.SGD(f.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)


def aug(x):
    return x + 0.2 * torch.randn_like(x)


for ep in range(25):
    for x in ld:
        z1, z2 = f(aug(x)), f(aug(x))
        loss = -F.cosine_similarity(z1, z2, dim=-1).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(ep, loss.item(), F.normalize(z1, dim=1).std(0).mean().item())
