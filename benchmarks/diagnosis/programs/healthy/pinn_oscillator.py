# mypy: ignore-errors
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
# u'' + 2 d u' + w^2 u = 0, u(0) = 1, u'(0) = 0
d, w = 0.5, 4.0
net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
zero = torch.zeros(1, 1, requires_grad=True)
for step in range(700):
    t = torch.rand(64, 1, requires_grad=True)
    u = net(t)
    (du,) = torch.autograd.grad(u.sum(), t, create_graph=True)
    (ddu,) = torch.autograd.grad(du.sum(), t, create_graph=True)
    physics = (ddu + 2 * d * du + w**2 * u).square().mean()
    u0 = net(zero)
    (du0,) = torch.autograd.grad(u0.sum(), zero, create_graph=True)
    loss = 1e-2 * physics + (u0 - 1).square().mean() + 0.1 * du0.square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
