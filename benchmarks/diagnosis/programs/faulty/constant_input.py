# mypy: ignore-errors
# /// diagnosis
# fault = "an integer division turns every image into zeros: the input is constant"
# rules = ["data.constant_input"]
# words = ["input|batch|feature", "constant|zero|same|never var"]
# consequences = ["loss.plateau"]
# within = 150
# fast = true
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
X = torch.tensor(raw.data).long() // 255  # meant: / 255
loader = DataLoader(TensorDataset(X.float(), torch.tensor(raw.target)), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(10):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
