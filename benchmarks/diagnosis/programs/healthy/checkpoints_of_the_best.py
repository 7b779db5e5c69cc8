# mypy: ignore-errors
import argparse
import os
import tempfile

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
mix = torch.randn(20, 3)
model = nn.Sequential(nn.Linear(20, 128), nn.GELU(), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
best = float("inf")
with tempfile.TemporaryDirectory() as directory:
    for step in range(1000):
        x = torch.randn(64, 20)
        loss = nn.functional.mse_loss(model(x), torch.sin(x @ mix / 4) + 0.05 * torch.randn(64, 3))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 49 and loss.item() < best:
            best = loss.item()
            torch.save(
                {"model": model.state_dict(), "optimizer": optimizer.state_dict()}, os.path.join(directory, "best.pt")
            )
            print(step, best)
