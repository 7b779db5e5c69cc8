# mypy: ignore-errors
# /// diagnosis
# fault = "the loss is wrapped into a new tensor, so that backward ends there: no parameter gets a gradient"
# rules = ["parameter.never_changes", "parameter.detached", "gradient.missing", "gradient.zero", "loss.detached"]
# words = ["detach|no gradient|without (a )?gradient|never (chang|updat|receiv|get)|not depend|None"]
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
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(300):
    idx = torch.randint(0, len(X), (64,))
    losses = [nn.functional.cross_entropy(model(X[i : i + 1]), y[i : i + 1]).item() for i in idx[:8]]
    loss = torch.tensor(losses, requires_grad=True).mean()  # "does not require grad" went away like this
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
