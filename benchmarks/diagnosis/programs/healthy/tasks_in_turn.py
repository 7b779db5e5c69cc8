# mypy: ignore-errors
"""One network and one optimizer go through sixty tasks, ten steps each: the loss is a saw tooth."""

import argparse
import math
import random

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
random.seed(args.seed)
model = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for task in range(60):
    height, shift = random.uniform(1.0, 4.0), random.uniform(0, math.pi)
    for _ in range(10):
        x = torch.rand(40, 1) * 10 - 5
        loss = nn.functional.mse_loss(model(x), height * torch.sin(x + shift))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if task % 10 == 0:
        print(task, loss.item())
