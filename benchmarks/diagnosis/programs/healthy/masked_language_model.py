# mypy: ignore-errors
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
V, M = 52, 51
perm = torch.randperm(50)


def seqs(n, T=20):
    x = torch.zeros(n, T, dtype=torch.long)
    x[:, 0] = torch.randint(0, 50, (n,))
    for t in range(1, T):
        x[:, t] = torch.where(torch.rand(n) < 0.9, perm[x[:, t - 1]], torch.randint(0, 50, (n,)))
    return x


class B(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(V, 48)
        self.p = nn.Embedding(20, 48)
        self.n = nn.LayerNorm(48)
        self.enc = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(48, 4, 96, 0.1, "gelu", batch_first=True), 2, enable_nested_tensor=False
        )
        self.h = nn.Sequential(nn.Linear(48, 48), nn.GELU(), nn.LayerNorm(48))
        self.b = nn.Parameter(torch.zeros(V))

    def forward(self, x):
        return F.linear(self.h(self.enc(self.n(self.e(x) + self.p(torch.arange(x.size(1)))))), self.e.weight, self.b)


m = B()
for p in m.parameters():
    if p.dim() > 1:
        nn.init.normal_(p, 0, 0.02)
opt = torch.optim.AdamW(m.parameters(), 2e-3, weight_decay=0.01)
N = 500
sch = torch.optim.lr_scheduler.LambdaLR(opt, lambda i: i / 50 if i < 50 else (N - i) / (N - 50))
for i in range(N):
    x = seqs(32)
    mk = torch.rand(x.shape) < 0.15
    lab = torch.where(mk, x, -100)
    r = torch.rand(x.shape)
    xin = torch.where(mk & (r < 0.8), M, x)
    xin = torch.where(mk & (r >= 0.9), torch.randint_like(x, 50), xin)
    l = F.cross_entropy(m(xin).view(-1, V), lab.view(-1))
    opt.zero_grad()
    l.backward()
    nn.utils.clip_grad_norm_(m.parameters(), 1.0)
    opt.step()
    sch.step()
    if i % 100 == 0:
        print(i, l.item())
