# mypy: ignore-errors
# /// diagnosis
# fault = "the files of inputs and targets are sorted by names that sort differently: pairs do not belong together"
# rules = ["loss.plateau"]
# words = ["labels|belong|shuffl|sort"]
# within = 400
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
X = torch.tensor(load_digits().data / 16, dtype=torch.float32)
X = X[torch.randperm(len(X))]
scans = {f"scan_{i:05d}": x for i, x in enumerate(X)}
turned = {f"turned_{i}": x.view(8, 8).rot90().flatten() for i, x in enumerate(X)}  # turned_10 comes before turned_2
pairs = TensorDataset(torch.stack([scans[k] for k in sorted(scans)]), torch.stack([turned[k] for k in sorted(turned)]))
net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-3)
for _ in range(6):
    for x, y in DataLoader(pairs, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(x), y).backward()
        optimizer.step()
