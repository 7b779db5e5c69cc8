# mypy: ignore-errors
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
V = 9
P = torch.randn(V, 20)


def batch(n=16):
    tl = torch.randint(3, 7, (n,))
    t = torch.zeros(n, 6, dtype=torch.long)
    il = torch.zeros(n, dtype=torch.long)
    x = torch.zeros(n, 48, 20)
    for i in range(n):
        s = torch.randint(1, V, (int(tl[i]),))
        t[i, : len(s)] = s
        fr = torch.cat([c.repeat(int(torch.randint(4, 7, ()))) for c in s])
        il[i] = len(fr)
        x[i, : len(fr)] = P[fr] + 0.5 * torch.randn(len(fr), 20)
    return x, t, il, tl


class A(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv1d(20, 48, 3, padding=1)
        self.r = nn.GRU(48, 48, batch_first=True, bidirectional=True)
        self.o = nn.Linear(96, V)

    def forward(self, x):
        return self.o(self.r(F.relu(self.c(x.transpose(1, 2))).transpose(1, 2))[0]).log_softmax(-1)


m = A()
ctc = nn.CTCLoss(blank=0, zero_infinity=True)
opt = torch.optim.AdamW(m.parameters(), 2e-3)
for i in range(300):
    x, t, il, tl = batch()
    l = ctc(m(x).transpose(0, 1), t, il, tl)
    opt.zero_grad()
    l.backward()
    nn.utils.clip_grad_norm_(m.parameters(), 5.0)
    opt.step()
    if i % 50 == 0:
        print(i, l.item())
