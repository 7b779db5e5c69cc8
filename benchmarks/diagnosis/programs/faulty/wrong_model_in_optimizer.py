# mypy: ignore-errors
# /// diagnosis
# fault = "the optimizer holds the parameters of another instance of the model, which is never used"
# rules = ["parameter.not_in_optimizer", "parameter.never_changes", "parameter.replaced", "parameter.detached"]
# words = ["optimizer|never (chang|updat)", "parameter|weight|other model"]
# within = 200
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


def build():
    return nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))


model = build()
optimizer = torch.optim.Adam(build().parameters(), lr=1e-3)
for step in range(300):
    idx = torch.randint(0, len(X), (32,))
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
