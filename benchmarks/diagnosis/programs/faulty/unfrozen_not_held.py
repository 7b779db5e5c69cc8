# mypy: ignore-errors
# /// diagnosis
# fault = "layers are unfrozen during fine-tuning, and the optimizer holds only those that were free at its start"
# rules = ["parameter.not_in_optimizer", "parameter.never_changes"]
# words = ["optimizer|never", "unfroz|frozen|updat"]
# step = 160
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
digits = load_digits()
X, y = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())


def fit(model, optimizer, labels, steps, offset=0):
    for step in range(steps):
        if step == offset:
            body[2].requires_grad_(True)
        idx = torch.randint(0, len(X), (64,))
        loss = nn.functional.cross_entropy(model(X[idx]), labels[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(step, loss.item())


pretrained = nn.Sequential(body, nn.Linear(64, 2))
fit(pretrained, torch.optim.Adam(pretrained.parameters(), lr=1e-3), y % 2, 60)
body.requires_grad_(False)
model = nn.Sequential(body, nn.Linear(64, 10))
optimizer = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=2e-3)
fit(model, optimizer, y, 400, offset=100)
