# mypy: ignore-errors
# /// diagnosis
# fault = "a hand-written squared error subtracts (N,) from (N, 1), and averages an N by N matrix"
# rules = ["loss.broadcast"]
# words = ["broadcast|shape"]
# within = 100
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
x = torch.linspace(-3, 3, 600)
y = torch.sin(x) + 0.1 * torch.randn(600)
model = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(300):
    idx = torch.randperm(600)[:50]
    prediction = model(x[idx].unsqueeze(-1))
    loss = (prediction - y[idx]).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
