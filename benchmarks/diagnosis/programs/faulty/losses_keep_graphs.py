# mypy: ignore-errors
# /// diagnosis
# fault = "the running loss is summed with its graph: memory grows with every step"
# rules = ["memory."]
# words = ["memory|graph", "grow|retain|kept|alive|leak"]
# within = 400
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
model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
running = 0
for step in range(500):
    idx = torch.randint(0, len(X), (128,))
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    loss.backward(retain_graph=True)
    optimizer.step()
    running = running + loss
    if step % 50 == 49:
        print(step, running / (step + 1))
