# mypy: ignore-errors
# /// diagnosis
# fault = "the head is replaced after the optimizer was made, which goes on holding the old one"
# rules = ["parameter.replaced", "parameter.not_in_optimizer"]
# words = ["not in (the|any) optimizer|no optimizer|replaced"]
# within = 150
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
X = (X - X.mean(0)) / X.std(0)
loader = DataLoader(TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y)), batch_size=16, shuffle=True)


class Classifier(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        self.head = nn.Linear(32, classes)

    def forward(self, x):
        return self.head(self.body(x))


model = Classifier()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
model.head = nn.Linear(32, 3)  # three kinds of wine
for epoch in range(25):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
