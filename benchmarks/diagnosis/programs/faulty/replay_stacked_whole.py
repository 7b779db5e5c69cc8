# mypy: ignore-errors
# /// diagnosis
# fault = "each step stacks the whole replay buffer: steps take longer and longer"
# rules = ["timing.slowing"]
# words = ["longer|slower|grow"]
# within = 700
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
buffer = []
for step in range(600):
    for _ in range(8):
        state = torch.randn(8)
        buffer.append((state, torch.randint(0, 3, ()), state.sum()))
    states, actions, rewards = (torch.stack(column) for column in zip(*buffer))
    i = torch.randint(0, len(buffer), (64,))
    values = model(states[i]).gather(1, actions[i, None]).squeeze(1)
    loss = nn.functional.smooth_l1_loss(values, rewards[i] * (actions[i] - 1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
