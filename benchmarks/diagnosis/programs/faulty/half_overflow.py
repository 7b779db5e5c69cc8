# mypy: ignore-errors
# /// diagnosis
# fault = "the model runs in float16, and the sum of squares overflows its range (65504)"
# rules = ["loss.nonfinite", "gradient.nonfinite", "precision."]
# within = 60
# ///
import argparse

import torch
from sklearn.datasets import load_diabetes
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_diabetes(return_X_y=True)
X = torch.tensor(X, dtype=torch.float16) * 20
y = torch.tensor(y, dtype=torch.float16)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1)).half()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)
for step in range(150):
    idx = torch.randint(0, len(X), (64,))
    out = model(X[idx]).squeeze(1)
    loss = ((out - y[idx]) ** 2).sum() / 64
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 25 == 0:
        print(step, loss.item())
