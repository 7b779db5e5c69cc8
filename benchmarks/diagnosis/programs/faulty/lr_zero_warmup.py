# mypy: ignore-errors
# /// diagnosis
# fault = "a warm-up divides integers, so that the learning rate is zero for all of the training"
# rules = ["learning_rate.zero", "learning_rate.too_low", "learning_rate.collapsed", "parameter.never_changes"]
# words = ["learning rate|never chang|update", "zero|0|too (low|small)|tiny|never"]
# consequences = ["loss.plateau"]
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
model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
WARMUP = 1000
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, step // WARMUP))
for step in range(300):
    idx = torch.randint(0, len(X), (32,))
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 50 == 0:
        print(step, loss.item())
