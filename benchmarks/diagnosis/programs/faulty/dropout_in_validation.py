# mypy: ignore-errors
# /// diagnosis
# fault = "validation runs with dropout active: model.eval() is missing"
# rules = ["evaluation.training_mode", "evaluation.train_mode", "evaluation.dropout"]
# words = ["dropout|train(ing)? mode|eval\\(\\)", "evaluat|validat"]
# within = 400
# ///
import argparse

import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_wine(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y)
order = torch.randperm(len(X))
train_loader = DataLoader(TensorDataset(X[order[:130]], y[order[:130]]), batch_size=16, shuffle=True)
val_loader = DataLoader(TensorDataset(X[order[130:]], y[order[130:]]), batch_size=16)
model = nn.Sequential(nn.Linear(13, 64), nn.ReLU(), nn.Dropout(0.4), nn.Linear(64, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(30):
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    right = total = 0
    with torch.no_grad():
        for xb, yb in val_loader:
            right += (model(xb).argmax(1) == yb).sum().item()
            total += len(yb)
    print(f"epoch {epoch}: loss {loss.item():.3f} accuracy {right / total:.3f}")
