# mypy: ignore-errors
# /// diagnosis
# fault = "a scheduler raises the learning rate a thousand times at step 200: the loss explodes"
# rules = ["loss.explosion", "loss.nonfinite", "gradient.nonfinite", "gradient.explosion", "learning_rate.too_high"]
# words = ["loss|gradient", "explo|diverg|left its range"]
# step = 200
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
X = torch.tensor(X, dtype=torch.float32) * 20
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 if step < 200 else 1000.0)
for step in range(400):
    idx = torch.randint(0, len(X), (32,))
    loss = nn.functional.mse_loss(model(X[idx]).squeeze(1), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 50 == 0:
        print(step, loss.item())
