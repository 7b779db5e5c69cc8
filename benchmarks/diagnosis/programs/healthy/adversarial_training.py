# mypy: ignore-errors
import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)
model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def fgsm(x, target, epsilon=0.05):
    model.eval()
    x = x.clone().requires_grad_()
    F.cross_entropy(model(x), target).backward()
    model.train()
    return (x + epsilon * x.grad.sign()).clamp(0, 1).detach()


for step in range(300):
    idx = torch.randint(0, len(X), (64,))
    attacked = fgsm(X[idx], y[idx])
    optimizer.zero_grad()
    loss = F.cross_entropy(model(attacked), y[idx])
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
