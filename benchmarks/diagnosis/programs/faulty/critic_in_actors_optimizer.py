# mypy: ignore-errors
# /// diagnosis
# fault = "the actor's optimizer also holds the critic, which has its own: each undoes what the other does"
# rules = ["parameter.in_two_optimizers"]
# words = ["optimizer", "both|two|another"]
# ///
import argparse
import itertools

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

actor = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 1))
critic = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 1))
actor_optimizer = torch.optim.Adam(itertools.chain(actor.parameters(), critic.parameters()), lr=3e-3)
critic_optimizer = torch.optim.Adam(critic.parameters(), lr=3e-3)
for _ in range(200):
    states = torch.randn(64, 6)
    critic_loss = F.mse_loss(critic(states), 2 * states[:, :1])
    critic_optimizer.zero_grad()
    critic_loss.backward()
    critic_optimizer.step()
    action = actor(states)
    actor_loss = -critic(torch.cat([states[:, :5], action], 1)).mean() + 0.5 * action.square().mean()
    actor_optimizer.zero_grad()
    actor_loss.backward()
    actor_optimizer.step()
