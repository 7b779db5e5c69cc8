# mypy: ignore-errors
# /// diagnosis
# fault = "twelve sigmoid layers: gradients vanish towards the input"
# rules = ["gradient.vanish"]
# words = ["vanish|(tiny|small) gradient"]
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
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)
layers = [nn.Linear(64, 48), nn.Sigmoid()]
for _ in range(10):
    layers += [nn.Linear(48, 48), nn.Sigmoid()]
model = nn.Sequential(*layers, nn.Linear(48, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(300):
    idx = torch.randint(0, len(X), (64,))
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
