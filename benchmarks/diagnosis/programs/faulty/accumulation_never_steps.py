# mypy: ignore-errors
# /// diagnosis
# fault = "accumulation over 32 batches in epochs of 20: the optimizer never steps"
# rules = ["optimizer.never_steps"]
# words = ["never|not stepped", "step"]
# ///
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

x = torch.randn(640, 10)
y = (x.sum(1) > 0).float()
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(12):
    for i, (a, b) in enumerate(DataLoader(TensorDataset(x, y), 32, shuffle=True)):
        loss = nn.functional.binary_cross_entropy_with_logits(model(a).squeeze(1), b) / 32
        loss.backward()
        if (i + 1) % 32 == 0:
            optimizer.step()
            optimizer.zero_grad()
