# mypy: ignore-errors
"""Hourly load with days, weeks and a noisy noon, in its order: hidden states are carried on, nothing is shuffled."""

import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
hours = torch.arange(6000.0)
day, week = torch.sin(hours * 6.2832 / 24), ((hours // 24) % 7 > 4).float()
load = 0.5 * day * (1 - 0.6 * week) + 0.3 * torch.sin(hours * 6.2832 / 720) + 0.15 * torch.randn(6000) * (1 + day)
series = ((load - load.mean()) / load.std()).view(12, -1)
rnn, head = nn.LSTM(1, 32, batch_first=True), nn.Linear(32, 1)
weights = [*rnn.parameters(), *head.parameters()]
optimizer = torch.optim.Adam(weights, lr=3e-3)
for epoch in range(8):
    state, total, steps = None, 0.0, 0
    for at in range(0, series.shape[1] - 7, 6):
        x, y = series[:, at : at + 6, None], series[:, at + 1 : at + 7, None]
        hidden, state = rnn(x, state)
        state = tuple(part.detach() for part in state)
        loss = nn.functional.mse_loss(head(hidden), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        total, steps = total + loss.item(), steps + 1
    print(epoch, total / steps)
