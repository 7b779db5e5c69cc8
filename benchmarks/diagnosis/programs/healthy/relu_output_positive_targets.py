# mypy: ignore-errors
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X = torch.randn(1500, 8)
y = torch.relu(X @ torch.randn(8, 1) + 2.0 + 0.3 * torch.randn(1500, 1))  # rainfall: never negative, often zero
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1), nn.ReLU())
nn.init.constant_(model[2].bias, 1.0)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(400):
    idx = torch.randint(0, len(X), (64,))
    loss = nn.functional.mse_loss(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
