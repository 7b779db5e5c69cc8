# mypy: ignore-errors
# /// diagnosis
# fault = "binary cross entropy gets labels 1 and 2 instead of 0 and 1: the loss falls below zero without end"
# rules = ["loss.target_range", "data.target", "loss.negative"]
# words = ["target|label", "range|between 0 and 1|outside|2"]
# consequences = ["loss.explosion"]
# within = 200
# ///
import argparse

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_breast_cancer(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y + 1, dtype=torch.float32)  # as in the file: 1 = benign, 2 = malignant
model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(300):
    idx = torch.randint(0, len(X), (32,))
    loss = nn.functional.binary_cross_entropy_with_logits(model(X[idx]).squeeze(1), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
