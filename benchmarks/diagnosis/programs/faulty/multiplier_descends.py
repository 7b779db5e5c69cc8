# mypy: ignore-errors
# /// diagnosis
# fault = "a Lagrange multiplier is descended with the network, where it has to be ascended: it falls for ever"
# rules = ["loss.unbounded"]
# words = ["sign|bound"]
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)


class Gated(nn.Module):
    """Pixels that are looked at cost something: no more than a twentieth of them is to be used."""

    def __init__(self):
        super().__init__()
        self.gates = nn.Parameter(torch.zeros(64))
        self.body = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
        self.multiplier = nn.Parameter(torch.tensor(0.0))

    def forward(self, x):
        return self.body(x * torch.sigmoid(self.gates))

    def excess(self):
        return torch.sigmoid(self.gates).mean() - 0.05


model = Gated()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(1500):
    idx = torch.randint(0, len(X), (64,))
    loss = F.cross_entropy(model(X[idx]), y[idx]) + model.multiplier * model.excess()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 250 == 0:
        print(step, loss.item(), model.multiplier.item(), model.excess().item())
