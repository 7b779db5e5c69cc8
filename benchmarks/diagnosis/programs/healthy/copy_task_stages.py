# mypy: ignore-errors
# sequence length grows during training: the loss jumps up at every new stage
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(12, 24)
        self.r = nn.GRU(24, 64, batch_first=True)
        self.o = nn.Linear(64, 12)

    def forward(self, x):
        return self.o(self.r(self.e(x))[0])


m = M()
opt = torch.optim.Adam(m.parameters(), 3e-3)
for i in range(1200):
    L = 2 + i // 300 * 2
    s = torch.randint(2, 12, (32, L))
    x = torch.cat([s, torch.zeros(32, L, dtype=torch.long)], 1)
    y = torch.cat([torch.full((32, L), -100), s], 1)
    l = F.cross_entropy(m(x).transpose(1, 2), y, ignore_index=-100)
    opt.zero_grad()
    l.backward()
    nn.utils.clip_grad_norm_(m.parameters(), 1.0)
    opt.step()
    if i % 100 == 0:
        print(i, L, l.item())
