# mypy: ignore-errors
# /// diagnosis
# fault = "the backbone runs under torch.no_grad in the training loop although its parameters are to be trained"
# rules = ["parameter.detached", "parameter.never_changes"]
# words = ["detach|no gradient|no_grad|without (a )?gradient|never (chang|updat|receiv|get)|None"]
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
X, y = torch.tensor(X, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16, torch.tensor(y)
backbone = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten())
head = nn.Linear(256, 10)
optimizer = torch.optim.Adam(list(backbone.parameters()) + list(head.parameters()), lr=1e-3)


def train_step(x, y):
    with torch.no_grad():  # copied from the evaluation script
        features = backbone(x)
    loss = nn.functional.cross_entropy(head(features), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


for step in range(300):
    idx = torch.randint(0, len(X), (32,))
    loss = train_step(X[idx], y[idx])
    if step % 50 == 0:
        print(step, loss)
