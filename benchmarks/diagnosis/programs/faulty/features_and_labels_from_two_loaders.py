# mypy: ignore-errors
# /// diagnosis
# fault = "images and labels come out of two loaders, each of which shuffles by itself"
# rules = ["data.targets_apart"]
# consequences = ["loss.plateau"]
# words = ["two data loaders|labels|shuffl"]
# within = 100
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
images, labels = load_digits(return_X_y=True)
images = torch.tensor(images / 16, dtype=torch.float32).view(-1, 1, 8, 8)
pictures = DataLoader(images, batch_size=32, shuffle=True)
answers = DataLoader(torch.tensor(labels), batch_size=32, shuffle=True)
net = nn.Sequential(nn.Conv2d(1, 12, 3), nn.ReLU(), nn.Flatten(), nn.Linear(432, 10))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for _ in range(5):
    for x, y in zip(pictures, answers, strict=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
