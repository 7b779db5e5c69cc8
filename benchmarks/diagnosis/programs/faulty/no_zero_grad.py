# mypy: ignore-errors
# /// diagnosis
# fault = "zero_grad is missing: gradients of all steps add up"
# rules = ["gradient.not_zeroed"]
# words = ["zero_grad|never (zeroed|cleared|reset)|not zeroed|add up|accumulat"]
# consequences = ["loss.", "gradient.explosion"]
# within = 150
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
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(300):
    idx = torch.randint(0, len(X), (64,))
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
