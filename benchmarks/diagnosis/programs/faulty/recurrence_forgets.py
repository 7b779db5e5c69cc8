# mypy: ignore-errors
# /// diagnosis
# fault = "60 recurrent steps with tiny weights: no gradient reaches the first input, where the answer is"
# rules = ["gradient.zero", "gradient.van", "loss.plateau", "init."]
# words = ["gradient", "zero|0|vanish"]
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp, self.rec, self.out = nn.Linear(1, 24), nn.Linear(24, 24, bias=False), nn.Linear(24, 2)
        nn.init.normal_(self.rec.weight, std=0.05)
        nn.init.normal_(self.inp.weight, std=0.05)
        nn.init.zeros_(self.inp.bias)

    def forward(self, x):
        h = torch.zeros(x.shape[0], 24)
        for t in range(x.shape[1]):
            h = torch.tanh(self.inp(x[:, t]) + self.rec(h))
        return self.out(h)


model = Recurrent()
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
for step in range(250):
    x = torch.zeros(32, 60, 1)
    y = torch.randint(0, 2, (32,))
    x[:, 0, 0] = y.float() * 2 - 1
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
