# mypy: ignore-errors
# /// diagnosis
# fault = "every fortieth step writes a file synchronously and takes a hundred times as long as the others"
# rules = ["timing.spikes"]
# words = ["spike|slow|latency|outlier|times as long|stall", "step"]
# within = 400
# ///
import argparse
import time

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)
model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))


class SlowAdam(torch.optim.Adam):
    calls = 0

    def step(self, closure=None):
        self.calls += 1
        if self.calls % 40 == 0:
            time.sleep(0.4)  # waits for a lock on a shared disk
        return super().step(closure)


optimizer = SlowAdam(model.parameters(), lr=1e-3)
for step in range(500):
    idx = torch.randint(0, len(X), (64,))
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
