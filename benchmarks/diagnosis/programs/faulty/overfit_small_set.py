# mypy: ignore-errors
# /// diagnosis
# fault = "a big network on 60 samples: the training loss goes to zero while the validation loss rises"
# rules = ["loss.overfit", "evaluation.overfit", "training.overfit"]
# words = ["overfit|generali[sz]|validation loss"]
# within = 1000
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
train = TensorDataset(X[order[:60]], y[order[:60]])
val = TensorDataset(X[order[60:260]], y[order[60:260]])
train_loader = DataLoader(train, batch_size=16, shuffle=True)
val_loader = DataLoader(val, batch_size=64)
model = nn.Sequential(nn.Linear(10, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.MSELoss()
for epoch in range(150):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = sum(criterion(model(xb), yb).item() for xb, yb in val_loader) / len(val_loader)
    if epoch % 10 == 0:
        print(f"epoch {epoch} train {loss.item():.4f} val {val_loss:.4f}")
