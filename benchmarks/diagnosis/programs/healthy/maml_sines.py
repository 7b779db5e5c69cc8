# mypy: ignore-errors
import argparse

import torch
from torch import nn
from torch.func import functional_call

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
model = nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
meta = torch.optim.Adam(model.parameters(), lr=1e-3)


def task():
    amplitude, phase = 0.1 + 4.9 * torch.rand(1), 3.14 * torch.rand(1)

    def sample(k=10):
        x = torch.rand(k, 1) * 10 - 5
        return x, amplitude * torch.sin(x + phase)

    return sample


for step in range(250):
    meta.zero_grad()
    total = 0.0
    for _ in range(4):
        sample = task()
        fast = dict(model.named_parameters())
        x, y = sample()
        inner = nn.functional.mse_loss(functional_call(model, fast, (x,)), y)
        grads = torch.autograd.grad(inner, list(fast.values()), create_graph=True)
        fast = {name: p - 0.01 * g for (name, p), g in zip(fast.items(), grads)}
        x, y = sample()
        outer = nn.functional.mse_loss(functional_call(model, fast, (x,)), y) / 4
        outer.backward()
        total += outer.item()
    meta.step()
    if step % 50 == 0:
        print(step, total)
