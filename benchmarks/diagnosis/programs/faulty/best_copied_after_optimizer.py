# mypy: ignore-errors
# /// diagnosis
# fault = "for fine-tuning the best network is copied after the optimizer was made for the one before"
# rules = ["parameter.replaced", "parameter.not_in_optimizer", "parameter.never_changes", "parameter.detached"]
# words = ["optimizer|never (chang|updat)", "parameter|weight|other model"]
# step = 450
# ///
import argparse
import copy

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


def fit(model, optimizer, steps):
    for step in range(steps):
        idx = torch.randint(0, len(X), (32,))
        model.zero_grad()
        loss = nn.functional.cross_entropy(model(X[idx] + 0.3 * torch.randn(32, 13)), y[idx])
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(step, loss.item())
    return model, loss.item()


def build(width):
    return nn.Sequential(nn.Linear(13, width), nn.ReLU(), nn.Linear(width, 3))


found = []
for width in (16, 32, 64):
    model = build(width)
    model, loss = fit(model, torch.optim.Adam(model.parameters(), lr=1e-3), 150)
    found.append((loss, width, model.state_dict()))
_, width, weights = min(found, key=lambda one: one[0])
best = build(width)
best.load_state_dict(weights)
optimizer = torch.optim.Adam(best.parameters(), lr=1e-4)
model = copy.deepcopy(best)
fit(model, optimizer, 400)
