# mypy: ignore-errors
# /// diagnosis
# fault = "validation runs without no_grad: graphs are built for nothing"
# rules = ["evaluation.gradients", "evaluation.tracks"]
# words = ["no_grad|gradients? (are |is )?track|inference_mode|graph", "evaluat|validat|inference"]
# within = 600
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y))
train_loader = DataLoader(Subset(data, range(1300)), batch_size=64, shuffle=True)
val_loader = DataLoader(Subset(data, range(1300, len(data))), batch_size=64)
model = nn.Sequential(nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(15):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    right, val_loss = 0, 0.0
    for xb, yb in val_loader:
        out = model(xb)
        val_loss += criterion(out, yb).item()
        right += (out.argmax(1) == yb).sum().item()
    print(epoch, val_loss / len(val_loader), right / 497)
