# mypy: ignore-errors
# /// diagnosis
# fault = "the loss takes the logarithm of probabilities that underflow to zero"
# rules = ["loss.nonfinite", "gradient.nonfinite"]
# within = 200
# fast = true
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X = torch.tensor(X, dtype=torch.float32) / 16
y = torch.tensor(y)
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
temperature = 1.0
for step in range(300):
    idx = torch.randint(0, len(X), (64,))
    temperature *= 0.97  # sharpen the predictions as training goes on
    p = torch.softmax(model(X[idx]) / max(temperature, 1e-3), dim=1)
    loss = -(torch.log(p[torch.arange(64), y[idx]])).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
