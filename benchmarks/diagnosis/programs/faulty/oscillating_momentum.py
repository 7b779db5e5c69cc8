# mypy: ignore-errors
# /// diagnosis
# fault = "momentum 0.999: the loss swings for hundreds of steps"
# rules = ["loss.oscillation", "learning_rate.too_high", "optimizer.momentum"]
# words = ["oscillat|up and down|swing|bounc"]
# within = 300
# ///
import argparse

import torch
from sklearn.datasets import load_diabetes

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_diabetes(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32).unsqueeze(1)
w = torch.zeros(10, 1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.2, momentum=0.999)
for step in range(500):
    loss = ((X @ w - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(step, loss.item())
