# mypy: ignore-errors
# /// diagnosis
# fault = "the learning rate is far too high for targets in the hundreds: the loss diverges to infinity"
# rules = ["loss.nonfinite", "gradient.nonfinite", "loss.explosion", "gradient.explo", "learning_rate.too_high"]
# consequences = ["activation.dead"]
# within = 60
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
y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(200):
    idx = torch.randint(0, len(X), (32,))
    loss = ((model(X[idx]) - y[idx]) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, loss.item())
