# mypy: ignore-errors
# /// diagnosis
# fault = "one sample of the data set holds a missing value (NaN)"
# rules = ["loss.nonfinite", "gradient.nonfinite", "data.nonfinite"]
# words = ["nan|non-finite|not finite", "input|batch|data"]
# within = 80
# ///
import argparse

import numpy as np
import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_wine(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)
X[171, 4] = np.nan  # a blank cell in the spreadsheet
data = TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y))
loader = DataLoader(data, batch_size=8, shuffle=False)
model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(10):
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch} loss {total / len(loader):.4f}")
