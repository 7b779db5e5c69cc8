# mypy: ignore-errors
# /// diagnosis
# fault = "residual blocks without normalisation, weights drawn too large: the first loss is a thousand times chance"
# rules = ["init.scale", "gradient.exploding", "loss.explosion"]
# words = ["initialis|weights|activations", "large|grow"]
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a, self.b = nn.Linear(width, width), nn.Linear(width, width)
        for layer in (self.a, self.b):
            nn.init.normal_(layer.weight, std=0.3)

    def forward(self, x):
        return x + self.b(torch.relu(self.a(x)))


model = nn.Sequential(nn.Linear(10, 32), *[Block(32) for _ in range(12)], nn.Linear(32, 5))
truth = torch.randn(10, 5)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(120):
    x = torch.randn(64, 10)
    loss = nn.functional.cross_entropy(model(x), (x @ truth).argmax(1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
