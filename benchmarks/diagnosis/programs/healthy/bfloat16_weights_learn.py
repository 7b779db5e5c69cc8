# mypy: ignore-errors
# /// diagnosis
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
X, y = torch.tensor(X / 16, dtype=torch.bfloat16), torch.tensor(y)
y = torch.where(torch.rand(len(y)) < 0.3, torch.randint(0, 10, y.shape), y)  # labels of a crowd
net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10)).to(torch.bfloat16)
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for _ in range(900):
    chosen = torch.randint(0, len(X), (64,))
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(X[chosen]).float(), y[chosen]).backward()
    optimizer.step()
