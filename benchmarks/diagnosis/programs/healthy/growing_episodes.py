# mypy: ignore-errors
"""DAgger on a pole: one update of a fixed batch after each episode, and episodes last longer and longer."""

import argparse
import math
import random

import torch
import torch.nn.functional as F
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
random.seed(args.seed)


def moved(state, right):
    x, v, angle, turn = state
    force = 10.0 if right else -10.0
    cos, sin = math.cos(angle), math.sin(angle)
    part = (force + 0.05 * turn**2 * sin) / 1.1
    spin = (9.8 * sin - cos * part) / (0.5 * (4 / 3 - 0.1 * cos * cos / 1.1))
    pull = part - 0.05 * spin * cos / 1.1
    return [x + 0.02 * v, v + 0.02 * pull, angle + 0.02 * turn, turn + 0.02 * spin]


policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=3e-4)
seen = []
for episode in range(260):
    state, steps = [random.uniform(-0.05, 0.05) for _ in range(4)], 0
    while steps < 400 and abs(state[0]) < 2.4 and abs(state[2]) < 0.2095:
        x, v, angle, turn = state
        seen.append((state, int(3 * angle + turn + 0.1 * x + 0.2 * v > 0)))
        with torch.no_grad():
            right = bool(policy(torch.tensor(state)).argmax())
        state, steps = moved(state, right), steps + 1
    batch = random.choices(seen, k=64)
    loss = F.cross_entropy(policy(torch.tensor([s for s, _ in batch])), torch.tensor([a for _, a in batch]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 40 == 0:
        print(episode, steps, loss.item())
