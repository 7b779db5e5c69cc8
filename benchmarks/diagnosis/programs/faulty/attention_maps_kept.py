# mypy: ignore-errors
# /// diagnosis
# fault = "the model keeps each attention map with its graph, a few KiB a step"
# rules = ["memory."]
# words = ["memory|graph", "grow|kept"]
# within = 500
# ///
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Pool(nn.Module):
    def __init__(s):
        super().__init__()
        s.q = nn.Parameter(torch.randn(32) / 6)
        s.k = nn.Linear(32, 32)
        s.maps = []

    def forward(s, x):
        a = (s.k(x) @ s.q).softmax(-1)
        s.maps.append(a)
        return (a[..., None] * x).sum(1)


class Net(nn.Module):
    def __init__(s):
        super().__init__()
        s.e = nn.Embedding(100, 32)
        s.p = Pool()
        s.o = nn.Linear(32, 4)

    def forward(s, x):
        return s.o(s.p(s.e(x)))


net = Net()
opt = torch.optim.Adam(net.parameters(), 2e-3)
X = torch.randint(0, 100, (2000, 30))
Y = X[:, :5].sum(1) % 4
ld = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(X, (X == 7).any(1).long() + 2 * (X == 9).any(1).long()), 32, shuffle=True
)
for ep in range(8):
    for x, y in ld:
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
    print(ep, loss.item())
