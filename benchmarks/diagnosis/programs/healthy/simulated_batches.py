# mypy: ignore-errors
"""Learns from pendulums that are simulated between two steps, a batch at once, which takes less time than the model."""

import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


def pendulums(count, steps=60, dt=0.05):
    """Return noisy angles over time, shape (count, steps), and lengths in metres, shape (count, 1)."""
    length = torch.empty(count).uniform_(0.5, 2.0)
    angle, speed = torch.empty(count).uniform_(-1.0, 1.0), torch.zeros(count)
    seen = []
    for _ in range(steps):
        for _ in range(4):  # small steps of the integrator
            speed = speed - dt / 4 * 9.81 / length * torch.sin(angle)
            angle = angle + dt / 4 * speed
        seen.append(angle + 0.01 * torch.randn(count))
    return torch.stack(seen, 1), length[:, None]


model = nn.Sequential(nn.Linear(60, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(400):
    angles, lengths = pendulums(256)
    loss = nn.functional.mse_loss(model(angles), lengths)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
