# mypy: ignore-errors
# /// diagnosis
# fault = "the gradient of a square root at zero is infinite: identical pairs make the distance zero"
# rules = ["gradient.nonfinite", "loss.nonfinite"]
# within = 200
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))

    def forward(self, a, b):
        return torch.sqrt(((self.body(a) - self.body(b)) ** 2).sum(1))


net = Siamese()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(400):
    i = torch.randint(0, len(X), (64,))
    j = torch.randint(0, len(X), (64,))  # sometimes i == j
    distance = net(X[i], X[j])
    same = (y[i] == y[j]).float()
    loss = (same * distance**2 + (1 - same) * torch.clamp(1 - distance, min=0) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, float(loss))
