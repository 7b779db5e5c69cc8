# mypy: ignore-errors
# /// diagnosis
# fault = "an actor's layers start with standard deviations of 1 and 5: all actions are at their limits"
# rules = ["init.", "activation.saturated", "gradient."]
# words = ["saturated|large"]
# ///
import argparse

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(8, 64), nn.Linear(64, 64), nn.Linear(64, 3)
        nn.init.normal_(self.last.weight, std=5.0)
        nn.init.normal_(self.second.weight, std=1.0)

    def forward(self, states):
        return torch.tanh(self.last(F.relu(self.second(F.relu(self.first(states))))))


gains = 0.3 * torch.randn(8, 3)
actor = Actor()
optimizer = torch.optim.Adam(actor.parameters(), lr=3e-4)
for _ in range(200):
    states = torch.randn(64, 8)
    cost = (actor(states) - torch.tanh(states @ gains)).square().sum(1).mean()
    optimizer.zero_grad()
    cost.backward()
    optimizer.step()
