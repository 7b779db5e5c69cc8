# mypy: ignore-errors
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
layers = []
for i in range(12):
    layers += [nn.Linear(6 if i == 0 else 64, 64), nn.Tanh()]
model = nn.Sequential(*layers, nn.Linear(64, 1))
for module in model:
    if isinstance(module, nn.Linear):
        nn.init.xavier_normal_(module.weight, nn.init.calculate_gain("tanh"))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-4)
for step in range(800):
    x = torch.randn(64, 6)
    loss = nn.functional.mse_loss(model(x).squeeze(1), torch.sin(x[:, 0]) + 0.5 * x[:, 1] * x[:, 2])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
