# mypy: ignore-errors
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16, torch.tensor(y)
features = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten())
head = nn.Linear(576, 10)
for p in features.parameters():
    p.requires_grad = False
optimizer = torch.optim.AdamW(
    [{"params": features.parameters(), "lr": 1e-4}, {"params": head.parameters(), "lr": 1e-3}]
)
for step in range(350):
    if step == 120:  # now the features as well
        for p in features.parameters():
            p.requires_grad = True
    idx = torch.randint(0, len(X), (32,))
    loss = nn.functional.cross_entropy(head(features(X[idx])), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
