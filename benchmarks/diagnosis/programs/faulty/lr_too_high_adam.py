# mypy: ignore-errors
# /// diagnosis
# fault = "Adam with a learning rate of 1: the loss is thrown up to hundreds and does not come back"
# rules = ["learning_rate.too_high", "loss.explosion", "activation.saturated", "activation.dead"]
# words = ["learning rate", "high|large"]
# consequences = ["gradient.", "loss."]
# within = 200
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
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)
model = nn.Sequential(nn.Linear(64, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1.0)
for step in range(300):
    idx = torch.randint(0, len(X), (64,))
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 25 == 0:
        print(step, loss.item())
