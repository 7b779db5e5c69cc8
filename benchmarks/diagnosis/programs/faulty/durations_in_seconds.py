# mypy: ignore-errors
# /// diagnosis
# fault = "five of 1500 durations are in seconds, all others in hours: they outweigh everything in each pass"
# rules = ["loss.spike", "data.target_scale"]
# words = ["outl|scale|unit"]
# ///
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
routes = torch.randn(1500, 8)
hours = 2 + (0.5 * routes[:, 0] - 0.3 * routes[:, 1] * routes[:, 2]).tanh() + 0.1 * torch.randn(1500)
hours[torch.randperm(1500)[:5]] *= 3600
loader = DataLoader(TensorDataset(routes, hours), batch_size=50, shuffle=True)
model = nn.Sequential(nn.Linear(8, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4)
for epoch in range(40):
    model.train()
    for route, hour in loader:
        loss = nn.functional.mse_loss(model(route).squeeze(1), hour)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    if epoch % 5 == 0:
        print(epoch, loss.item())
