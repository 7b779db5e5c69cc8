# mypy: ignore-errors
# /// diagnosis
# fault = "batches come over a slow link, one at a time, without a loader: 30 ms of waiting for 2 ms of work"
# rules = ["data.input_bound", "timing."]
# words = ["wait|nothing is computed"]
# ///
import argparse
import time

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


def fetched():
    while True:
        time.sleep(0.03)
        labels = torch.randint(0, 3, (32,))
        yield torch.randn(32, 20) + 2 * F.one_hot(labels, 20), labels


model = nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
source = fetched()
for _ in range(200):
    inputs, labels = next(source)
    loss = F.cross_entropy(model(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
