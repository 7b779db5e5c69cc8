# mypy: ignore-errors
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X = torch.tensor(load_digits().data, dtype=torch.float32) / 16
model = nn.Sequential(
    nn.Linear(64, 48),
    nn.ReLU(True),
    nn.Linear(48, 24),
    nn.ReLU(True),
    nn.Linear(24, 4),
    nn.Linear(4, 24),
    nn.ReLU(True),
    nn.Linear(24, 48),
    nn.ReLU(True),
    nn.Linear(48, 64),
    nn.Sigmoid(),
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-5)
for epoch in range(15):
    for (x,) in DataLoader(TensorDataset(X), batch_size=64, shuffle=True):
        noisy = x + 0.1 * torch.randn_like(x)
        loss = nn.functional.mse_loss(model(noisy), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
