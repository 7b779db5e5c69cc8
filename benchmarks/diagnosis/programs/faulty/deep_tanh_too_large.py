# mypy: ignore-errors
# /// diagnosis
# fault = "sixteen layers of tanh, drawn with three times the deviation that keeps signals: gradients explode by depth"
# rules = ["init.scale", "gradient.exploding", "activation.saturated"]
# words = ["gradient|saturat", "large|grow|explod|saturat"]
# within = 60
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Oscillator(nn.Module):
    def __init__(self, width=48, depth=16):
        super().__init__()
        self.body = nn.Sequential()
        for i in range(depth):
            self.body.append(nn.Linear(4 if i == 0 else width, width))
            self.body.append(nn.Tanh())
        self.last = nn.Linear(width, 2)

    def forward(self, x):
        return self.last(self.body(x))


model = Oscillator()
with torch.no_grad():
    for module in model.body:
        if isinstance(module, nn.Linear):
            module.weight.normal_(0, 3 / module.in_features**0.5)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-4)
for step in range(500):
    x = torch.randn(128, 4)
    y = torch.stack([torch.sin(x[:, 0] + x[:, 1]), torch.cos(x[:, 2]) * x[:, 3]], 1)
    loss = nn.functional.smooth_l1_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
