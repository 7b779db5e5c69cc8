# mypy: ignore-errors
import argparse
import math

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
T, L, N = 20, 60, 16
x = torch.arange(L).repeat(N, 1) + torch.randint(-4 * T, 4 * T, (N, 1))
data = torch.sin(x / T * math.pi / 2).double()


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm1, self.lstm2 = nn.LSTMCell(1, 25), nn.LSTMCell(25, 25)
        self.linear = nn.Linear(25, 1)

    def forward(self, input):
        outputs = []
        h1 = c1 = h2 = c2 = torch.zeros(input.size(0), 25, dtype=torch.double)
        for part in input.split(1, dim=1):
            h1, c1 = self.lstm1(part, (h1, c1))
            h2, c2 = self.lstm2(h1, (h2, c2))
            outputs.append(self.linear(h2))
        return torch.cat(outputs, dim=1)


seq = Sequence().double()
criterion = nn.MSELoss()
optimizer = torch.optim.LBFGS(seq.parameters(), lr=0.8, max_iter=8)
for i in range(8):

    def closure():
        optimizer.zero_grad()
        loss = criterion(seq(data[3:, :-1]), data[3:, 1:])
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    with torch.no_grad():
        pred = seq(data[:3, :-1])
        print(i, loss.item(), criterion(pred, data[:3, 1:]).item())
