# mypy: ignore-errors
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        return x + torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, -1) @ v


class Mixture(nn.Module):
    """A layer of experts, of which the configuration asks for one."""

    def __init__(self, width, experts):
        super().__init__()
        self.gate = nn.Linear(width, experts)
        self.experts = nn.ModuleList(nn.Linear(width, width) for _ in range(experts))

    def forward(self, x):
        weights = torch.softmax(self.gate(x), -1)
        made = torch.stack([expert(x) for expert in self.experts], -1)
        return x + (made * weights.unsqueeze(-2)).sum(-1).relu()


class Model(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.lift = nn.Linear(8, width)
        self.attention = Attention(width)
        self.mixture = Mixture(width, experts=1)
        self.score = nn.Linear(width, 1)
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        h = self.mixture(self.attention(self.lift(x)))
        return self.head((torch.softmax(self.score(h), 1) * h).sum(1)).squeeze(-1)


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
wanted = torch.randn(8)
for step in range(500):  # rows of a table, as sequences of one place each
    x = torch.randn(64, 1, 8)
    loss = nn.functional.mse_loss(model(x), torch.tanh(x[:, 0] @ wanted))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
