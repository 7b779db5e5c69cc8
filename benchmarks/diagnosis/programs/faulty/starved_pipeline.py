# mypy: ignore-errors
# /// diagnosis
# fault = "each sample takes 2 ms to read, on the main process: the model waits for data most of the time"
# rules = ["data.input_bound"]
# words = ["wait", "data"]
# within = 400
# ///
import argparse
import time

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Slow(Dataset):
    def __init__(self):
        self.x, self.y = load_digits(return_X_y=True)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        time.sleep(0.002)  # a network drive
        return torch.tensor(self.x[i], dtype=torch.float32) / 16, self.y[i]


model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(3):
    for xb, yb in DataLoader(Slow(), batch_size=32, shuffle=True):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
