# mypy: ignore-errors
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


def make(y):
    n = int(torch.randint(8, 20, (1,)))
    p = 0.15 if y == 0 else 0.35
    a = (torch.rand(n, n) < p).triu(1)
    a = a | a.T
    deg = a.sum(1)
    return F.one_hot(deg.clamp(max=9), 10).float(), a.nonzero().T, y


data = [make(i % 2) for i in range(400)]


def collate(gs):
    xs, es, b, ys, o = [], [], [], [], 0
    for i, (x, e, y) in enumerate(gs):
        xs.append(x)
        es.append(e + o)
        b.append(torch.full((len(x),), i))
        ys.append(y)
        o += len(x)
    return torch.cat(xs), torch.cat(es, 1), torch.cat(b), torch.tensor(ys)


class GraphConv(nn.Module):
    def __init__(s, i, o):
        super().__init__()
        s.rel = nn.Linear(i, o)
        s.root = nn.Linear(i, o, bias=False)

    def forward(s, x, e):
        return s.rel(torch.zeros_like(x).index_add_(0, e[1], x[e[0]])) + s.root(x)


class Net(nn.Module):
    def __init__(s):
        super().__init__()
        s.c1, s.c2, s.c3 = GraphConv(10, 64), GraphConv(64, 64), GraphConv(64, 64)
        s.lin = nn.Linear(64, 2)

    def forward(s, x, e, b):
        x = s.c1(x, e).relu()
        x = s.c2(x, e).relu()
        x = s.c3(x, e)
        n = int(b.max()) + 1
        x = torch.zeros(n, 64).index_add_(0, b, x) / torch.bincount(b)[:, None]
        return s.lin(F.dropout(x, p=0.5, training=s.training))


model = Net()
opt = torch.optim.Adam(model.parameters(), lr=0.01)
crit = nn.CrossEntropyLoss()
tl = torch.utils.data.DataLoader(data[:320], batch_size=64, shuffle=True, collate_fn=collate)
vl = torch.utils.data.DataLoader(data[320:], batch_size=64, collate_fn=collate)


def test(l):
    model.eval()
    c = 0
    for x, e, b, y in l:
        out = model(x, e, b)
        c += int((out.argmax(1) == y).sum())
    return c / len(l.dataset)


for epoch in range(1, 60):
    model.train()
    for x, e, b, y in tl:
        out = model(x, e, b)
        loss = crit(out, y)
        loss.backward()
        opt.step()
        opt.zero_grad()
    print(epoch, test(tl), test(vl))
