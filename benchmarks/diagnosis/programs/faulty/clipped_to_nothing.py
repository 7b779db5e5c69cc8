# mypy: ignore-errors
# /// diagnosis
# fault = "gradients are clipped to a norm of 1e-6 instead of 1: plain SGD stands still"
# rules = ["learning_rate.too_low", "gradient.clipped", "loss.plateau"]
# words = ["clip|update|learning rate|plateau", "small|tiny|low|slow|plateau|clip"]
# within = 300
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
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(400):
    idx = torch.randint(0, len(X), (64,))
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1e-6)
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
