# mypy: ignore-errors
# /// diagnosis
# fault = "a wide regression keeps learning 120 noisy samples by heart: the validation loss creeps up for many epochs"
# rules = ["training.overfit"]
# words = ["overfit|generali[sz]|by heart"]
# within = 2000
# ///
import argparse

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_diabetes(return_X_y=True)
X = torch.tensor(X, dtype=torch.float32) * 20
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32).unsqueeze(1)
order = torch.randperm(len(X))
train = TensorDataset(X[order[:120]], y[order[:120]])
held_out = TensorDataset(X[order[120:]], y[order[120:]])


def evaluate(model, loader):
    model.eval()
    total = 0.0
    with torch.no_grad():
        for xb, yb in loader:
            total += nn.functional.l1_loss(model(xb), yb).item() * len(xb)
    model.train()
    return total / len(loader.dataset)


model = nn.Sequential(nn.Linear(10, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
train_loader = DataLoader(train, batch_size=24, shuffle=True)
val_loader = DataLoader(held_out, batch_size=64)
for epoch in range(200):
    for xb, yb in train_loader:
        loss = nn.functional.l1_loss(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 4 == 3:
        print(f"epoch {epoch} train {loss.item():.3f} validation {evaluate(model, val_loader):.3f}")
