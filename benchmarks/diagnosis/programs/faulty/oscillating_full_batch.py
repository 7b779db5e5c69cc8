# mypy: ignore-errors
# /// diagnosis
# fault = "full-batch gradient descent just above the stable learning rate: the loss jumps up and down"
# rules = ["loss.oscillation", "learning_rate.too_high"]
# words = ["oscillat|up and down|swing|bounc"]
# within = 250
# ///
import argparse

import torch
from sklearn.datasets import load_wine
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_wine(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y)
model = nn.Sequential(nn.Linear(13, 32), nn.Tanh(), nn.Linear(32, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=12.0)
for step in range(400):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(X), y)
    loss.backward()
    optimizer.step()
    if step % 40 < 4:
        print(step, loss.item())
