# mypy: ignore-errors
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
policies = torch.randn(1500, 8)
claims = (0.6 * policies[:, 0] - 0.3 * policies[:, 1] + 1.2 * torch.randn(1500)).exp()
loader = DataLoader(TensorDataset(policies, claims), batch_size=50, shuffle=True)
model = nn.Sequential(nn.Linear(8, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 1), nn.Softplus())
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4)
for epoch in range(12):
    model.train()
    for policy, claim in loader:
        loss = nn.functional.mse_loss(model(policy).squeeze(1), claim)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    print(epoch, loss.item())
