# mypy: ignore-errors
# /// diagnosis
# fault = "standardising divides by a deviation of zero for constant pixels: the input is NaN from the first step"
# rules = ["loss.nonfinite", "gradient.nonfinite", "data.nonfinite"]
# words = ["nan|non-finite|not finite", "input|batch|data"]
# within = 20
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
X = torch.tensor(X, dtype=torch.float32)
X = (X - X.mean(0)) / X.std(0)  # the corners are always white
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(5):
    for xb, yb in DataLoader(TensorDataset(X, torch.tensor(y)), batch_size=64, shuffle=True):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
