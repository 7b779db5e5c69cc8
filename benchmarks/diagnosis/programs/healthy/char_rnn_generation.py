# mypy: ignore-errors
import argparse
import random

import torch
import torch.nn as nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
random.seed(args.seed)
torch.manual_seed(args.seed)
L = "abcdefghijklmnopqrstuvwxyz"
N = 27
C = 3


def word(c):
    return "".join(random.choice(["ba", "ko", "mi", "ra"][c : c + 2]) for _ in range(random.randint(2, 4)))


class RNN(nn.Module):
    def __init__(self, h=64):
        super().__init__()
        self.hs = h
        self.i2h = nn.Linear(C + N + h, h)
        self.i2o = nn.Linear(C + N + h, N)
        self.o2o = nn.Linear(h + N, N)
        self.dropout = nn.Dropout(0.1)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, c, x, h):
        z = torch.cat((c, x, h), 1)
        h = self.i2h(z)
        o = self.o2o(torch.cat((h, self.i2o(z)), 1))
        return self.softmax(self.dropout(o)), h


rnn = RNN()
crit = nn.NLLLoss()
lr = 0.0005
tot = 0
for it in range(1, 1501):
    c = random.randrange(C)
    w = word(c)
    ct = torch.zeros(1, C)
    ct[0][c] = 1
    xs = torch.zeros(len(w), 1, N)
    for i, ch in enumerate(w):
        xs[i][0][L.index(ch)] = 1
    tg = torch.LongTensor([L.index(ch) for ch in w[1:]] + [N - 1]).unsqueeze_(-1)
    h = torch.zeros(1, 64)
    rnn.zero_grad()
    loss = torch.Tensor([0])
    for i in range(len(w)):
        o, h = rnn(ct, xs[i], h)
        loss += crit(o, tg[i])
    loss.backward()
    for p in rnn.parameters():
        p.data.add_(p.grad.data, alpha=-lr)
    tot += loss.item() / len(w)
    if it % 300 == 0:
        print(it, tot / 300)
        tot = 0
