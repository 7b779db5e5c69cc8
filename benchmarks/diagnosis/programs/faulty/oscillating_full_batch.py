# mypy: ignore-errors
# /// diagnosis
# fault = "logistic regression with full batches and too high a learning rate: the loss bounces for ever"
# rules = ["loss.oscillation", "learning_rate.too_high"]
# words = ["oscillat|up and down|swing|bounc"]
# within = 250
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
y = torch.tensor(y > y.mean(), dtype=torch.float32).unsqueeze(1)
model = nn.Linear(10, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=12.0)
criterion = nn.BCEWithLogitsLoss()
for step in range(400):
    optimizer.zero_grad()
    loss = criterion(model(X), y)
    loss.backward()
    optimizer.step()
    if step % 40 < 4:
        print(step, loss.item())
