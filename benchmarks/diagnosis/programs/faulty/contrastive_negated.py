# mypy: ignore-errors
# /// diagnosis
# fault = "a minus sign in front of InfoNCE: positive pairs are pushed apart"
# rules = ["loss.maximised", "loss.unbounded"]
# words = ["sign|bound|maximis|negat"]
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

encoder = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 16))
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
for step in range(300):
    x = torch.randn(64, 20)
    a, b = (nn.functional.normalize(encoder(x + 0.1 * torch.randn_like(x)), dim=1) for _ in range(2))
    loss = -nn.functional.cross_entropy(a @ b.T / 0.1, torch.arange(64))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
