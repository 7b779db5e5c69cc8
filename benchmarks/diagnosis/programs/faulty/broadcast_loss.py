# mypy: ignore-errors
# /// diagnosis
# fault = "predictions of shape (N, 1) meet targets of shape (N,): the loss broadcasts to (N, N)"
# rules = ["loss.broadcast"]
# words = ["broadcast|shape"]
# within = 100
# fast = true
# ///
import argparse

import torch
from sklearn.datasets import load_diabetes
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_diabetes(return_X_y=True)
X = torch.tensor(X, dtype=torch.float32) * 20
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(300):
    idx = torch.randint(0, len(X), (32,))
    loss = nn.functional.mse_loss(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
