# mypy: ignore-errors
# /// diagnosis
# fault = "one corrupt batch (targets in another unit) makes the loss spike at step 180"
# rules = ["loss.spike", "data.target_scale"]
# words = ["loss", "spike|outlier|single|one batch"]
# step = 180
# within = 10
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
X = torch.tensor(X, dtype=torch.float32) * 20
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
model = nn.Sequential(nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(400):
    idx = torch.randint(0, len(X), (64,))
    target = y[idx]
    if step == 180:
        target = target * 100  # millimetres instead of decimetres
    loss = nn.functional.mse_loss(model(X[idx]).squeeze(1), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
