# mypy: ignore-errors
# /// diagnosis
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X / 16, dtype=torch.float32), torch.tensor(y)
labelled = DataLoader(TensorDataset(X[:600], y[:600]), batch_size=32, shuffle=True)
unlabelled = DataLoader(X[600:1200], batch_size=32, shuffle=True)
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for _ in range(12):
    for (x, label), u in zip(labelled, unlabelled, strict=True):
        with torch.no_grad():
            sure = net(u + 0.02 * torch.randn_like(u)).softmax(1)
        loss = nn.functional.cross_entropy(net(x), label)
        loss = loss + 0.5 * nn.functional.mse_loss(net(u + 0.1 * torch.randn_like(u)).softmax(1), sure)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
