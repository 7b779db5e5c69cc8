# mypy: ignore-errors
# /// diagnosis
# fault = "at step 80 the head is replaced by one for more classes, and the optimizer keeps the old one"
# rules = ["parameter.replaced", "parameter.not_in_optimizer"]
# words = ["replaced|optimizer", "head"]
# step = 80
# within = 100
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.head = nn.Linear(48, 3)

    def forward(self, x):
        return self.head(self.features(x))


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
truth = torch.randn(10, 5)
for step in range(240):
    classes = 3 if step < 80 else 5
    if step == 80:
        net.head = nn.Linear(48, 5)
    x = torch.randn(64, 10)
    loss = nn.functional.cross_entropy(net(x), (x @ truth[:, :classes]).argmax(1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
