# mypy: ignore-errors
import argparse
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
d = load_digits()
X = torch.tensor(d.data, dtype=torch.float32) / 16
Y = torch.tensor(d.target)


def B(n=64):
    i = torch.randint(0, 1797, (n,))
    return X[i], Y[i]


def mlp(i=64, o=10, h=64):
    return nn.Sequential(nn.Linear(i, h), nn.ReLU(), nn.Linear(h, o))


def run(name, params, lossf, n=80, lr=1e-3):
    opt = torch.optim.Adam(params, lr)
    for k in range(n):
        l = lossf()
        opt.zero_grad()
        l.backward()
        opt.step()
    print(name, l.item())


# R-Drop
m = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10))


def rdrop():
    x, y = B()
    a, b = m(x), m(x)
    return (
        F.cross_entropy(a, y)
        + F.cross_entropy(b, y)
        + 0.5
        * (
            F.kl_div(F.log_softmax(a, -1), F.softmax(b, -1), reduction="batchmean")
            + F.kl_div(F.log_softmax(b, -1), F.softmax(a, -1), reduction="batchmean")
        )
    )


run("rdrop", m.parameters(), rdrop)
# deep mutual learning in one optimizer
a, b = mlp(), mlp(h=32)


def dml():
    x, y = B()
    p, q = a(x), b(x)
    return (
        F.cross_entropy(p, y)
        + F.cross_entropy(q, y)
        + F.kl_div(F.log_softmax(p, 1), F.softmax(q.detach(), 1), reduction="batchmean")
        + F.kl_div(F.log_softmax(q, 1), F.softmax(p, 1), reduction="batchmean")
    )


run("dml", [*a.parameters(), *b.parameters()], dml)
# simsiam with detach; byol with ema
f, h = mlp(64, 32), mlp(32, 32, 16)


def sims():
    x, _ = B()
    z1, z2 = f(x + 0.1 * torch.randn_like(x)), f(x + 0.1 * torch.randn_like(x))
    p1, p2 = h(z1), h(z2)
    return -(F.cosine_similarity(p1, z2.detach()).mean() + F.cosine_similarity(p2, z1.detach()).mean()) / 2


run("simsiam", [*f.parameters(), *h.parameters()], sims)
t = copy.deepcopy(f)


def byol():
    x, _ = B()
    with torch.no_grad():
        for p, q in zip(t.parameters(), f.parameters()):
            p.lerp_(q, 0.01)
        y = t(x + 0.1 * torch.randn_like(x))
    return 2 - 2 * (F.normalize(h(f(x)), dim=1) * F.normalize(y, dim=1)).sum(-1).mean()


run("byol", [*f.parameters(), *h.parameters()], byol)
# frozen teacher, no no_grad
T, S = mlp(), mlp(h=16)
run("teacher", T.parameters(), lambda: (lambda xy: F.cross_entropy(T(xy[0]), xy[1]))(B()))
T.requires_grad_(False)
run("student", [*S.parameters()], lambda: (lambda x: F.mse_loss(S(x), T(x)))(B()[0]))
# residual-gradient TD critic (common in tutorials)
v = mlp(8, 1)


def td():
    s = torch.randn(64, 8)
    s2 = s * 0.9 + 0.1 * torch.randn(64, 8)
    r = s[:, :1]
    return (r + 0.9 * v(s2) - v(s)).pow(2).mean()


run("td", v.parameters(), td)
# an autoencoder whose codes agree, and distances that labels hold in place
e, g = mlp(64, 8), mlp(8, 64)


def lat():
    x, _ = B()
    z = e(x)
    r = g(z)
    return F.mse_loss(r, x) + 0.1 * F.mse_loss(e(r), z)


run("latent", [*e.parameters(), *g.parameters()], lat)
q = mlp(64, 16)


def cosemb():
    x, y = B()
    x2, y2 = B()
    return F.cosine_embedding_loss(q(x), q(x2), (y == y2).float() * 2 - 1)


run("cosemb", q.parameters(), cosemb)


def contr():
    x, y = B()
    x2, y2 = B()
    dist = F.pairwise_distance(q(x), q(x2))
    s = (y == y2).float()
    return (s * dist**2 + (1 - s) * (1 - dist).clamp(min=0) ** 2).mean()


run("contrastive", q.parameters(), contr)
im, tx = mlp(64, 16), nn.Embedding(10, 16)


def clip():
    x, y = B()
    i, w = F.normalize(im(x), dim=1), F.normalize(tx(y), dim=1)
    l = i @ w.t() / 0.1
    k = torch.arange(64)
    return (F.cross_entropy(l, k) + F.cross_entropy(l.t(), k)) / 2


run("clip", [*im.parameters(), *tx.parameters()], clip)
U, W = nn.Embedding(50, 8), nn.Embedding(40, 8)
R = torch.randn(50, 40)


def mf():
    i, j = torch.randint(0, 50, (128,)), torch.randint(0, 40, (128,))
    return F.mse_loss((U(i) * W(j)).sum(1), R[i, j])


run("mf", [*U.parameters(), *W.parameters()], mf, lr=1e-2)
n = mlp(1, 1)


def pinn():
    x = torch.rand(64, 1, requires_grad=True)
    u = n(x)
    (du,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    return F.mse_loss(du, -u) + (n(torch.zeros(1, 1)) - 1).pow(2).mean()


run("pinn", n.parameters(), pinn)
pi = mlp(64, 10)


def ent():
    x, y = B()
    p = pi(x)
    return F.cross_entropy(p, y) + 0.1 * -(F.softmax(p, 1) * F.log_softmax(p, 1)).sum(1).mean()


run("entropy", pi.parameters(), ent)
c = nn.GRU(8, 32, batch_first=True)
cp = nn.Linear(32, 32)


def cpc():
    x = torch.randn(32, 10, 8).cumsum(1)
    h, _ = c(x)
    p = cp(h[:, :-1])
    z = h[:, 1:]
    l = torch.einsum("btd,ctd->tbc", p, z)
    return F.cross_entropy(l.reshape(-1, 32), torch.arange(32).repeat(9))


run("cpc", [*c.parameters(), *cp.parameters()], cpc)
# slow features with unit variance and temporal smoothness beside reconstruction
sf = mlp(64, 4)


def slow():
    x, _ = B()
    z = sf(x)
    z2 = sf(x + 0.05 * torch.randn_like(x))
    w = z - z.mean(0)
    return (z - z2).pow(2).mean() + (w.T @ w / 64 - torch.eye(4)).pow(2).sum()


run("slow", sf.parameters(), slow)
