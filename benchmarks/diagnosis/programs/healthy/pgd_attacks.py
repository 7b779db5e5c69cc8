# mypy: ignore-errors
"""Training on attacked batches: the attack takes gradients of its input in evaluation mode."""

import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
raw = load_digits()
images, labels = torch.tensor(raw.images, dtype=torch.float32)[:, None] / 16, torch.tensor(raw.target)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 32, 3, 2, 1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(512, 64),
    nn.ReLU(),
    nn.Linear(64, 10),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


def attack(x, y, size=0.1, steps=4):
    model.eval()
    change = torch.empty_like(x).uniform_(-size, size)
    for _ in range(steps):
        change.requires_grad_()
        (slope,) = torch.autograd.grad(F.cross_entropy(model((x + change).clamp(0, 1)), y), change)
        with torch.no_grad():
            change = (change + 0.03 * slope.sign()).clamp(-size, size)
    model.train()
    return (x + change).clamp(0, 1).detach()


for epoch in range(8):
    order = torch.randperm(1500)
    total = 0.0
    for batch in order.split(100):
        attacked = attack(images[batch], labels[batch])
        optimizer.zero_grad()
        loss = F.cross_entropy(model(attacked), labels[batch])
        loss.backward()
        optimizer.step()
        total += loss.item()
    robust = attack(images[1500:], labels[1500:])
    model.eval()
    with torch.no_grad():
        right = (model(robust).argmax(1) == labels[1500:]).float().mean().item()
    print(epoch, total / 15, right)
