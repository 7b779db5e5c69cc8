# mypy: ignore-errors
# /// diagnosis
# fault = "the sign of the loss is wrong: training maximises the cross entropy without bound"
# rules = ["loss.negative", "loss.explosion", "loss.diver", "loss.expects", "loss.unbounded"]
# words = ["negative|sign|without bound|diverg|explo"]
# consequences = ["gradient."]
# within = 300
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
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(400):
    idx = torch.randint(0, len(X), (64,))
    log_p = torch.log_softmax(model(X[idx]), 1)
    loss = log_p[torch.arange(64), y[idx]].mean()  # the minus is missing
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
