# mypy: ignore-errors
# /// diagnosis
# fault = "an iterable data set does not share its work among workers: each sample comes once from every worker"
# rules = ["data.repeated"]
# words = ["same|identical|repeat|duplicat", "batch|sample|worker"]
# within = 200
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Stream(IterableDataset):
    def __init__(self):
        raw = load_digits()
        self.x = torch.tensor(raw.data, dtype=torch.float32) / 16
        self.y = torch.tensor(raw.target)

    def __iter__(self):
        for x, y in zip(self.x, self.y):
            yield x, y


if __name__ == "__main__":
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(3):
        for xb, yb in DataLoader(Stream(), batch_size=32, num_workers=2):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
