# mypy: ignore-errors
# /// diagnosis
# fault = "the label column is read wrong: all labels are the same"
# rules = ["data.constant_target"]
# words = ["label|target", "same|constant|single|one class|identical|never var"]
# within = 150
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Digits(Dataset):
    def __init__(self):
        raw = load_digits()
        self.x = torch.tensor(raw.data, dtype=torch.float32) / 16
        self.y = torch.tensor((raw.target > 9).astype("int64"))  # meant: above 4

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


loader = DataLoader(Digits(), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(10):
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
