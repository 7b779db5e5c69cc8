# mypy: ignore-errors
# /// diagnosis
# fault = "images are shuffled and their labels are not: nothing can be learned"
# rules = ["loss.plateau"]
# words = ["shuffled|labels"]
# within = 400
# ///
import argparse

import numpy as np
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
        digits = load_digits()
        self.images, self.labels = (digits.images / 16).astype(np.float32), digits.target
        np.random.default_rng(args.seed).shuffle(self.images)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return torch.from_numpy(self.images[index]).unsqueeze(0), int(self.labels[index])


net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
    nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10),
)  # fmt: skip
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for _ in range(9):
    for x, y in DataLoader(Digits(), batch_size=64, shuffle=True):
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
