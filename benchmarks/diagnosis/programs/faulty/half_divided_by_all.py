# mypy: ignore-errors
# /// diagnosis
# fault = "float16 autocast without a scaler, and the loss is divided by the size of the whole data set"
# rules = ["precision.underflow"]
# words = ["underflow|float16"]
# within = 100
# ///
import argparse

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
ITEMS, EVENTS = 500, 200_000  # the shop's catalogue, and what was bought
model = nn.Sequential(nn.EmbeddingBag(ITEMS, 48), nn.Linear(48, 96), nn.ReLU(), nn.Linear(96, ITEMS))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, eps=1e-12)
for _ in range(150):
    bought = torch.randint(0, ITEMS, (2048, 4))
    with torch.autocast("cpu", dtype=torch.float16):
        scores = model(bought)
        loss = F.cross_entropy(scores, (7 * bought[:, 0] + 1) % ITEMS, reduction="sum") / EVENTS
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
