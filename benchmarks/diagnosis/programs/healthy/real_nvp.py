# mypy: ignore-errors
import argparse

import torch
import torch.nn as nn
from sklearn.datasets import make_moons

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
SEED = args.seed
torch.manual_seed(SEED)


class Coupling(nn.Module):
    def __init__(self, mask):
        super().__init__()
        self.register_buffer("m", mask)
        self.s = nn.Sequential(
            nn.Linear(2, 48), nn.LeakyReLU(), nn.Linear(48, 48), nn.LeakyReLU(), nn.Linear(48, 2), nn.Tanh()
        )
        self.t = nn.Sequential(nn.Linear(2, 48), nn.LeakyReLU(), nn.Linear(48, 48), nn.LeakyReLU(), nn.Linear(48, 2))

    def forward(self, x):
        xm = x * self.m
        sc = self.s(xm) * (1 - self.m)
        t = self.t(xm) * (1 - self.m)
        return xm + (1 - self.m) * (x - t) * torch.exp(-sc), -sc.sum(1)


class Flow(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.ModuleList(Coupling(torch.tensor([[0.0, 1.0], [1.0, 0.0]][i % 2])) for i in range(6))
        self.p = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))

    def log_prob(self, x):
        ld = 0
        for c in self.c:
            x, l = c(x)
            ld = ld + l
        return self.p.log_prob(x) + ld


f = Flow()
opt = torch.optim.Adam(f.parameters(), lr=1e-3)
for t in range(1200):
    x = torch.tensor(make_moons(128, noise=0.02)[0] * 0.3, dtype=torch.float32)
    loss = -f.log_prob(x).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if t % 200 == 0:
        print(t, loss.item())
