# mypy: ignore-errors
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
mean = nn.Sequential(nn.Linear(6, 64), nn.SiLU(), nn.Linear(64, 4))
log_noise = nn.Parameter(torch.zeros(4))
optimizer = torch.optim.Adam([*mean.parameters(), log_noise], lr=2e-3)
mixing = torch.randn(6, 4) / 20
for step in range(2500):
    x = torch.randn(64, 6)
    reading = x @ mixing + 0.003 * torch.randn(64, 4)
    error = (reading - mean(x)).pow(2)
    loss = (0.5 * error * torch.exp(-2 * log_noise) + log_noise).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 500 == 0:
        print(step, loss.item(), log_noise.mean().item())
