# mypy: ignore-errors
# /// diagnosis
# fault = "gradients are cleared between backward and step: the optimizer never sees any"
# rules = ["parameter.never_changes", "gradient.zero", "gradient.missing", "gradient.none", "gradient.cleared"]
# words = ["zero_grad|clear|no gradient|without (a )?gradient|never (chang|updat|receiv|get)|None"]
# within = 200
# ///
import argparse

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_breast_cancer(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
loader = DataLoader(TensorDataset(X, torch.tensor(y)), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(15):
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
    print(epoch, loss.item())
