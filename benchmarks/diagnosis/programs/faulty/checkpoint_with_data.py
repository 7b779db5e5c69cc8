# mypy: ignore-errors
# /// diagnosis
# fault = "every 25 steps a checkpoint is written that holds the whole data set, too: most of the time goes there"
# rules = ["timing.checkpoints", "timing.spikes"]
# words = ["checkpoint|save", "time"]
# within = 400
# ///
import argparse
import os
import tempfile

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
features = torch.randn(150_000, 64)
targets = features[:, :4].sum(1, keepdim=True) + 0.1 * torch.randn(150_000, 1)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
everything = {"features": features, "targets": targets, "model": model, "optimizer": optimizer}
with tempfile.TemporaryDirectory() as directory:
    for step in range(1200):
        rows = torch.randint(0, len(features), (64,))
        loss = nn.functional.mse_loss(model(features[rows]), targets[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 25 == 24:
            torch.save(everything, os.path.join(directory, "all.pt"))
        if step % 200 == 0:
            print(step, loss.item())
