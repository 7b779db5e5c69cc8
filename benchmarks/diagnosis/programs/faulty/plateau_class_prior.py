# mypy: ignore-errors
# /// diagnosis
# fault = "the network ignores its input after a dropout of 0.98: the loss stays at the entropy of the classes"
# rules = ["loss.plateau", "model.dropout_chance"]
# words = ["plateau|stuck|not improv|stopped|does not fall|no better than|dropout"]
# within = 500
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
model = nn.Sequential(
    nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.98), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.98), nn.Linear(64, 10)
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(700):
    idx = torch.randint(0, len(X), (64,))
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
