# mypy: ignore-errors
# /// diagnosis
# fault = "a hand-written recurrent cell starts with weights five times too large: gradients explode in time"
# rules = ["gradient.explo"]
# words = ["gradient", "explo"]
# within = 60
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
WIDTH, LENGTH = 64, 40


class Cell(nn.Module):
    """Elman's cell, written by hand."""

    def __init__(self, inputs, width):
        super().__init__()
        self.inp = nn.Linear(inputs, width)
        self.rec = nn.Linear(width, width, bias=False)
        nn.init.normal_(self.rec.weight, std=0.35)

    def forward(self, x, h):
        return torch.tanh(self.inp(x) + self.rec(h))


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = Cell(3, WIDTH)
        self.head = nn.Linear(WIDTH, 1)

    def forward(self, x):
        h = x.new_zeros(len(x), WIDTH)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
        return self.head(h).squeeze(1)


def batch(n=32):
    """Three noisy sensors of one oscillation; the target is its value a little later."""
    phase, speed = torch.rand(n, 1) * 6.28, 0.1 + 0.2 * torch.rand(n, 1)
    t = torch.arange(LENGTH + 5)
    wave = torch.sin(phase + speed * t)
    x = wave[:, :LENGTH, None] * torch.tensor([1.0, 0.5, -1.0]) + 0.1 * torch.randn(n, LENGTH, 3)
    return x, wave[:, -1]


model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(250):
    x, y = batch()
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
