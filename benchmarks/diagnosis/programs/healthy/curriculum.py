# mypy: ignore-errors
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Adder(nn.Module):
    """Adds up a sequence of small numbers; sequences get longer."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        return self.out(self.lstm(x)[0][:, -1]).squeeze(1)


model = Adder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(500):
    length = 2 + step // 60
    x = torch.rand(32, length, 1)
    loss = nn.functional.mse_loss(model(x), x.sum((1, 2)))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 60 == 0:
        print(step, length, loss.item())
