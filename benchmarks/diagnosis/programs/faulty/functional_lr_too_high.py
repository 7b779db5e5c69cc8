# mypy: ignore-errors
# /// diagnosis
# fault = "gradient descent with torch.func, wrapped in SGD, has a learning rate far too high: the loss explodes"
# rules = ["loss.explosion", "loss.nonfinite", "gradient.explo", "gradient.nonfinite", "learning_rate.too_high"]
# within = 100
# ///
import argparse

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.func import functional_call

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_diabetes(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
model = nn.Sequential(nn.Linear(10, 32), nn.Softplus(), nn.Linear(32, 1))
params = {name: p.detach().clone().requires_grad_() for name, p in model.named_parameters()}
optimizer = torch.optim.SGD(params.values(), lr=0.3)


def objective(params, x, y):
    return ((functional_call(model, params, (x,)) - y) ** 2).mean()


for step in range(120):
    idx = torch.randint(0, len(X), (64,))
    loss = objective(params, X[idx], y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(step, loss.item())
