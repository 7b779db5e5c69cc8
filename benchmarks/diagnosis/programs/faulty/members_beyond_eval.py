# mypy: ignore-errors
# /// diagnosis
# fault = "the members of an ensemble are in a plain list: model.eval() does not reach their dropout"
# rules = ["evaluation.training_mode"]
# words = ["dropout|train(ing)? mode", "evaluat|validat"]
# consequences = ["parameter."]
# within = 400
# ///
import argparse
from itertools import chain

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
train = TensorDataset(X[order[:130]], y[order[:130]])
held_out = TensorDataset(X[order[130:]], y[order[130:]])


def member(width):
    return nn.Sequential(
        nn.Linear(13, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.3), nn.Linear(width, 16), nn.ReLU()
    )


class Ensemble(nn.Module):
    def __init__(self):
        super().__init__()
        self.members = [member(width) for width in (24, 32, 48)]
        self.merge = nn.Linear(48, 3)

    def trained(self):
        return chain(self.merge.parameters(), *(one.parameters() for one in self.members))

    def forward(self, x):
        return self.merge(torch.cat([one(x) for one in self.members], 1))


def accuracy(model, loader):
    model.eval()
    right = 0
    with torch.no_grad():
        for xb, yb in loader:
            right += (model(xb).argmax(1) == yb).sum().item()
    model.train()
    return right / len(loader.dataset)


model = Ensemble()
optimizer = torch.optim.Adam(model.trained(), lr=2e-3)
train_loader = DataLoader(train, batch_size=16, shuffle=True, drop_last=True)
val_loader = DataLoader(held_out, batch_size=16)
for epoch in range(30):
    for xb, yb in train_loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.3f} accuracy {accuracy(model, val_loader):.3f}")
