# mypy: ignore-errors
# /// diagnosis
# fault = "Adam's epsilon is 1: updates are hundreds of times too small"
# rules = ["optimizer.epsilon", "learning_rate.too_low"]
# words = ["epsilon"]
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

digits = load_digits()
images, labels = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16, torch.tensor(digits.target)
net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1.0)
for _ in range(6):
    order = torch.randperm(len(images))
    for i in range(0, len(order), 64):
        picked = order[i : i + 64]
        loss = nn.functional.cross_entropy(net(images[picked]), labels[picked])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
