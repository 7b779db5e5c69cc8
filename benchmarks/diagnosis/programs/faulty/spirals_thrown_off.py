# mypy: ignore-errors
# /// diagnosis
# fault = "SGD at 1.5 with momentum: the loss climbs to a hundred times that of a guess and stays there"
# rules = ["loss.explosion", "learning_rate.too_high", "loss.oscillation"]
# words = ["learning rate", "high"]
# consequences = ["activation.", "loss.", "gradient."]
# within = 300
# ///
import argparse

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

labels = torch.arange(1500) % 3
radius = torch.rand(1500)
angle = 6 * radius + 2.09 * labels + 0.1 * torch.randn(1500)
points = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=1.5, momentum=0.9)
for _ in range(15):
    for batch in torch.randperm(1500).split(64):
        loss = F.cross_entropy(model(points[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
