# mypy: ignore-errors
# /// diagnosis
# fault = "the data is sorted by class and the loader does not shuffle"
# rules = ["data.constant_target", "loss.oscillation", "loss.spike"]
# words = ["one class|sorted|shuffle"]
# consequences = ["loss."]
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

raw = load_digits()
order = raw.target.argsort(kind="stable")
digits = TensorDataset(torch.tensor(raw.data[order], dtype=torch.float32) / 16, torch.tensor(raw.target[order]))
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(5):
    for x, y in DataLoader(digits, batch_size=32):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
