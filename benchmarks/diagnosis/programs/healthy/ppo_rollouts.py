# mypy: ignore-errors
import argparse
import random

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.distributions.categorical import Categorical

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
SEED = args.seed
random.seed(SEED)
np.random.seed(SEED)
torch.manual_seed(SEED)


class Vec:
    def __init__(self, n):
        self.n = n
        self.s = np.random.uniform(-0.05, 0.05, (n, 4))
        self.t = np.zeros(n)

    def step(self, a):
        x, xd, th, thd = self.s.T
        f = np.where(a == 1, 10.0, -10.0)
        c, si = np.cos(th), np.sin(th)
        tmp = (f + 0.05 * thd**2 * si) / 1.1
        tha = (9.8 * si - c * tmp) / (0.5 * (4 / 3 - 0.1 * c * c / 1.1))
        xa = tmp - 0.05 * tha * c / 1.1
        self.s = np.stack([x + 0.02 * xd, xd + 0.02 * xa, th + 0.02 * thd, thd + 0.02 * tha], 1)
        self.t += 1
        d = (abs(self.s[:, 0]) > 2.4) | (abs(self.s[:, 2]) > 0.2095) | (self.t >= 200)
        for i in np.where(d)[0]:
            self.s[i] = np.random.uniform(-0.05, 0.05, 4)
            self.t[i] = 0
        return self.s.astype(np.float32), np.ones(self.n, np.float32), d


def li(l, std=np.sqrt(2), b=0.0):
    torch.nn.init.orthogonal_(l.weight, std)
    torch.nn.init.constant_(l.bias, b)
    return l


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.critic = nn.Sequential(
            li(nn.Linear(4, 64)), nn.Tanh(), li(nn.Linear(64, 64)), nn.Tanh(), li(nn.Linear(64, 1), std=1.0)
        )
        self.actor = nn.Sequential(
            li(nn.Linear(4, 64)), nn.Tanh(), li(nn.Linear(64, 64)), nn.Tanh(), li(nn.Linear(64, 2), std=0.01)
        )

    def value(self, x):
        return self.critic(x)

    def av(self, x, a=None):
        p = Categorical(logits=self.actor(x))
        a = p.sample() if a is None else a
        return a, p.log_prob(a), p.entropy(), self.critic(x)


NE, NS, U = 4, 128, 30
agent = Agent()
opt = optim.Adam(agent.parameters(), lr=2.5e-4, eps=1e-5)
env = Vec(NE)
nobs = torch.tensor(env.s.astype(np.float32))
nd = torch.zeros(NE)
for u in range(1, U + 1):
    opt.param_groups[0]["lr"] = (1 - (u - 1) / U) * 2.5e-4
    O = torch.zeros(NS, NE, 4)
    A = torch.zeros(NS, NE)
    LP = torch.zeros(NS, NE)
    R = torch.zeros(NS, NE)
    D = torch.zeros(NS, NE)
    Vv = torch.zeros(NS, NE)
    for t in range(NS):
        O[t], D[t] = nobs, nd
        with torch.no_grad():
            a, lp, _, v = agent.av(nobs)
            Vv[t] = v.flatten()
        A[t], LP[t] = a, lp
        o, r, d = env.step(a.numpy())
        R[t] = torch.tensor(r)
        nobs, nd = torch.tensor(o), torch.tensor(d, dtype=torch.float32)
    with torch.no_grad():
        nv = agent.value(nobs).reshape(1, -1)
        adv = torch.zeros_like(R)
        lg = 0
        for t in reversed(range(NS)):
            nt, nvs = (1 - nd, nv) if t == NS - 1 else (1 - D[t + 1], Vv[t + 1])
            delta = R[t] + 0.99 * nvs * nt - Vv[t]
            adv[t] = lg = delta + 0.99 * 0.95 * nt * lg
        ret = adv + Vv
    bo, bl, ba, bA, bR, bV = (
        O.reshape(-1, 4),
        LP.reshape(-1),
        A.reshape(-1),
        adv.reshape(-1),
        ret.reshape(-1),
        Vv.reshape(-1),
    )
    inds = np.arange(NE * NS)
    for ep in range(4):
        np.random.shuffle(inds)
        for s in range(0, NE * NS, 128):
            mb = inds[s : s + 128]
            _, nl, en, v = agent.av(bo[mb], ba.long()[mb])
            ratio = (nl - bl[mb]).exp()
            ad = bA[mb]
            ad = (ad - ad.mean()) / (ad.std() + 1e-8)
            pg = torch.max(-ad * ratio, -ad * torch.clamp(ratio, 0.8, 1.2)).mean()
            v = v.view(-1)
            vc = bV[mb] + torch.clamp(v - bV[mb], -0.2, 0.2)
            vl = 0.5 * torch.max((v - bR[mb]) ** 2, (vc - bR[mb]) ** 2).mean()
            loss = pg - 0.01 * en.mean() + vl * 0.5
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            opt.step()
    print(u, loss.item(), D.sum().item())
