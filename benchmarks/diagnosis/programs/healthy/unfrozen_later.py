# mypy: ignore-errors
"""A body that stands for a pretrained one is frozen for four epochs, in a group with a rate of its own."""

import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
inputs = torch.randn(2000, 32)
data = TensorDataset(inputs, (torch.tanh(inputs) @ torch.randn(32, 5)).argmax(1))
body = nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU())
head = nn.Linear(128, 5)
body.requires_grad_(False)
optimizer = torch.optim.AdamW(
    [{"params": body.parameters(), "lr": 1e-4}, {"params": head.parameters(), "lr": 1e-3}], weight_decay=0.01
)
for epoch in range(10):
    if epoch == 4:
        body.requires_grad_(True)
    total = 0.0
    for x, y in DataLoader(data, batch_size=32, shuffle=True):
        loss = F.cross_entropy(head(body(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / 63
    print(epoch, total)
