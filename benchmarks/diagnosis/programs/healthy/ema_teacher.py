# mypy: ignore-errors
import argparse
import copy

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
teacher = copy.deepcopy(model).requires_grad_(False)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
labelled = torch.randperm(len(X))[:300]
for step in range(400):
    idx = labelled[torch.randint(0, 300, (32,))]
    unlabelled = X[torch.randint(0, len(X), (64,))]
    with torch.no_grad():
        target = torch.softmax(teacher(unlabelled), 1)
    noisy = unlabelled + 0.1 * torch.randn_like(unlabelled)
    consistency = nn.functional.mse_loss(torch.softmax(model(noisy), 1), target)
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx]) + min(1.0, step / 200) * 5 * consistency
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for p, q in zip(model.parameters(), teacher.parameters()):
            q.lerp_(p, 0.01)
    if step % 50 == 0:
        print(step, loss.item())
