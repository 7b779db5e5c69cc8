# mypy: ignore-errors
# /// diagnosis
# fault = "gc.collect() every 25 steps, with very many objects alive: a third of a second each time"
# rules = ["timing."]
# words = ["garbage"]
# step = 25
# within = 300
# ///
import argparse
import gc

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

cache = [{"key": [number, str(number)]} for number in range(400_000)]
model = nn.Sequential(nn.Linear(96, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(300):
    inputs = torch.randn(16, 96)
    loss = F.cross_entropy(model(inputs), (inputs.sum(1) > 0).long())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 25 == 24:
        gc.collect()
