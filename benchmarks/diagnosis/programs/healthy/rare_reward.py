# mypy: ignore-errors
"""Q-learning on a chain with a reward at its end alone: a loss of nothing, until the first reward is drawn."""

import argparse
import copy
import random

import torch
import torch.nn.functional as F
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
random.seed(args.seed)
PLACES = 12
places = torch.eye(PLACES)
values = nn.Sequential(nn.Linear(PLACES, 64), nn.ReLU(), nn.Linear(64, 2))
target = copy.deepcopy(values)
optimizer = torch.optim.Adam(values.parameters(), lr=5e-4)
memory, place, age, won = [], 0, 0, 0
for step in range(1800):
    if random.random() < 0.6:
        action = random.randrange(2)
    else:
        with torch.no_grad():
            action = int(values(places[place]).argmax())
    after = min(PLACES - 1, place + 1) if action else max(0, place - 1)
    goal = after == PLACES - 1
    memory.append((place, action, float(goal), after))
    won, age = won + goal, age + 1
    place, age = (0, 0) if goal or age > 80 else (after, age)
    if step > 64:
        batch = random.choices(memory, k=32)
        before, actions, gains, later = (torch.tensor(part) for part in zip(*batch, strict=True))
        with torch.no_grad():
            aims = gains + 0.97 * (1 - gains) * target(places[later]).max(1).values
        loss = F.smooth_l1_loss(values(places[before]).gather(1, actions[:, None]).squeeze(1), aims)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for ours, theirs in zip(values.parameters(), target.parameters(), strict=True):
            theirs.data.lerp_(ours.data, 0.01)
        if step % 200 == 0:
            print(step, loss.item(), won)
