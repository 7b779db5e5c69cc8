# mypy: ignore-errors
# /// diagnosis
# fault = "model.eval() of the first validation is never undone: dropout and batch-norm stay off"
# rules = ["training.eval_mode"]
# words = ["eval(uation)? mode|\\.eval\\(\\)"]
# step = 24
# within = 250
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y))
train, val = random_split(data, [1500, 297])
train_loader, val_loader = DataLoader(train, batch_size=64, shuffle=True), DataLoader(val, batch_size=128)
model = nn.Sequential(nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def validate():
    model.eval()
    with torch.no_grad():
        right = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in val_loader)
    return right / len(val)


model.train()
for epoch in range(12):
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), validate())
