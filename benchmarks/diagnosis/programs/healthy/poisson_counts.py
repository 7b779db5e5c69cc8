# mypy: ignore-errors
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X = torch.randn(2000, 6)
rate = torch.exp(0.5 * X[:, 0] - 0.3 * X[:, 1] + 0.2)
data = TensorDataset(X, torch.poisson(rate))
model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.PoissonNLLLoss()
for epoch in range(10):
    for xb, yb in DataLoader(data, batch_size=50, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(xb).squeeze(1), yb)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
