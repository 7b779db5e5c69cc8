# mypy: ignore-errors
# /// diagnosis
# fault = "a recurrent network over 80 steps with large recurrent weights and no clipping: gradients explode"
# rules = ["gradient.explo", "gradient.nonfinite", "loss.explosion", "loss.nonfinite"]
# words = ["gradient", "explo|left its range|grow"]
# within = 150
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
        self.rnn = nn.RNN(2, 48, nonlinearity="relu", batch_first=True)
        self.head = nn.Linear(48, 1)
        with torch.no_grad():
            self.rnn.weight_hh_l0.mul_(2.8)

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.head(h[:, -1])


# the adding problem
def batch(n=32, length=80):
    values = torch.rand(n, length)
    marks = torch.zeros(n, length)
    for row in range(n):
        marks[row, torch.randperm(length)[:2]] = 1
    return torch.stack([values, marks], -1), (values * marks).sum(1, keepdim=True)


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for step in range(150):
    x, y = batch()
    loss = nn.functional.mse_loss(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 25 == 0:
        print(step, loss.item())
