# mypy: ignore-errors
import argparse
import copy

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
LIMIT, N = 3000, 16


class Buffer:
    """Transitions as tensors; the oldest fall out at the limit."""

    def __init__(self):
        self.columns = None

    def add(self, *columns):
        old = self.columns or [column[:0] for column in columns]
        self.columns = [torch.cat([before, new])[-LIMIT:] for before, new in zip(old, columns)]

    def sample(self, n):
        idx = torch.randint(0, len(self.columns[0]), (n,))
        return [column[idx] for column in self.columns]


def act(state, action):
    """A cart on a rail, pushed to the left or to the right; staying in the middle pays."""
    position, speed = state.unbind(1)
    speed = 0.95 * speed + 0.1 * (action.float() * 2 - 1) + 0.02 * torch.randn_like(speed)
    position = (position + 0.3 * speed).clamp(-2, 2)
    return torch.stack([position, speed], 1), -position.abs()


net = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
target = copy.deepcopy(net)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
buffer, state = Buffer(), torch.randn(N, 2)
for step in range(900):
    with torch.no_grad():
        greedy = net(state).argmax(1)
    explore = torch.rand(N) < max(0.1, 1 - step / 400)
    action = torch.where(explore, torch.randint(0, 2, (N,)), greedy)
    following, reward = act(state, action)
    buffer.add(state, action, reward, following)
    state = torch.where((torch.rand(N) < 0.02)[:, None], torch.randn(N, 2), following)
    s, a, r, after = buffer.sample(64)
    with torch.no_grad():
        wanted = r + 0.95 * target(after).amax(1)
    loss = nn.functional.smooth_l1_loss(net(s).gather(1, a[:, None]).squeeze(1), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 99:
        target.load_state_dict(net.state_dict())
        print(step, loss.item(), reward.mean().item())
