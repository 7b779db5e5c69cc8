# mypy: ignore-errors
import argparse
import math

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
torch.manual_seed(parser.parse_args().seed)
TIMES = 60
SIGNAL = torch.cos(torch.linspace(0.02, math.pi / 2 - 0.02, TIMES))


class Branch(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.inner, self.outer = nn.LayerNorm(width), nn.Linear(width, width), nn.Linear(width, width)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, hidden, time):
        return hidden + self.outer(nn.functional.gelu(self.inner(self.norm(hidden)) + time))


class Denoiser(nn.Module):
    def __init__(self, width=96, depth=4):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(16, width), nn.SiLU(), nn.Linear(width, width))
        self.entry = nn.Linear(2, width)
        self.branches = nn.ModuleList(Branch(width) for _ in range(depth))
        self.exit = nn.Linear(width, 2)
        nn.init.zeros_(self.exit.weight)
        nn.init.zeros_(self.exit.bias)

    def forward(self, points, time):
        waves = time[:, None] / TIMES * math.pi * 2.0 ** torch.arange(8)
        code = self.time(torch.cat([waves.sin(), waves.cos()], 1))
        hidden = self.entry(points)
        for branch in self.branches:
            hidden = branch(hidden, code)
        return self.exit(hidden)


net = Denoiser()
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-4)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 150))
for step in range(1200):
    angle = 2 * math.pi * torch.rand(256)
    clean = torch.stack([angle.cos(), angle.sin()], 1) * 1.4 + 0.05 * torch.randn(256, 2)
    time = torch.randint(0, TIMES, (256,))
    signal, noise = SIGNAL[time][:, None], torch.randn(256, 2)
    loss = nn.functional.mse_loss(net(signal * clean + (1 - signal**2).sqrt() * noise, time), noise)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    if step % 200 == 0:
        print(step, loss.item())
