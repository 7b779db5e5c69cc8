# mypy: ignore-errors
# /// diagnosis
# fault = "values are bootstrapped with a discount of 1.05: they grow without end"
# rules = ["loss.explosion", "gradient.explosion"]
# words = ["diverge|explo|grown", "discount|bootstrap"]
# consequences = ["loss.", "gradient."]
# within = 1500
# ///
import argparse

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


def network():
    return nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 2))


values, target = network(), network()
target.load_state_dict(values.state_dict())
optimizer = torch.optim.Adam(values.parameters(), lr=5e-3)
for step in range(1400):
    state, action = torch.randint(0, 10, (32,)), torch.randint(0, 2, (32,))
    after = (state + 2 * action - 1).clamp(0, 9)
    reward = torch.where(after == 9, 1.0, 0.05)
    with torch.no_grad():
        goal = reward + 1.05 * target(F.one_hot(after, 10).float()).max(1).values
    loss = F.mse_loss(values(F.one_hot(state, 10).float()).gather(1, action[:, None])[:, 0], goal)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        target.load_state_dict(values.state_dict())
