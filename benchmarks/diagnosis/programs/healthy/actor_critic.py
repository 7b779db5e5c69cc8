# mypy: ignore-errors
import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
SIZE = 5


def encode(pos):
    return F.one_hot(torch.tensor(pos[0] * SIZE + pos[1]), SIZE * SIZE).float()


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine = nn.Linear(SIZE * SIZE, 64)
        self.action_head = nn.Linear(64, 4)
        self.value_head = nn.Linear(64, 1)

    def forward(self, x):
        x = F.relu(self.affine(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


model = ActorCritic()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]
for episode in range(200):  # walk from one corner of a grid to the other
    pos, saved, rewards = (0, 0), [], []
    for _ in range(40):
        probs, value = model(encode(pos))
        m = Categorical(probs)
        action = m.sample()
        saved.append((m.log_prob(action), value))
        move = MOVES[action]
        pos = tuple(min(SIZE - 1, max(0, p + d)) for p, d in zip(pos, move))
        rewards.append(1.0 if pos == (4, 4) else -0.05)
        if pos == (4, 4):
            break
    R, returns = 0.0, []
    for r in reversed(rewards):
        R = r + 0.99 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    policy_losses = [-lp * (ret - v.item()) for (lp, v), ret in zip(saved, returns)]
    value_losses = [F.smooth_l1_loss(v, ret.reshape(1)) for (_, v), ret in zip(saved, returns)]
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss.backward()
    optimizer.step()
    if episode % 40 == 0:
        print(episode, len(rewards), loss.item())
