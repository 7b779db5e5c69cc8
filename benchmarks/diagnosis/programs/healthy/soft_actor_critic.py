# mypy: ignore-errors
import argparse
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
SEED = args.seed
random.seed(SEED)
np.random.seed(SEED)
torch.manual_seed(SEED)


class Pend:
    def reset(self):
        self.th, self.td, self.t = np.random.uniform(-np.pi, np.pi), np.random.uniform(-1, 1), 0
        return self.o()

    def o(self):
        return np.array([np.cos(self.th), np.sin(self.th), self.td], np.float32)

    def step(self, u):
        u = float(np.clip(u, -2, 2))
        a = ((self.th + np.pi) % (2 * np.pi)) - np.pi
        c = a**2 + 0.1 * self.td**2 + 0.001 * u**2
        self.td = np.clip(self.td + (15 * np.sin(self.th) + 3 * u) * 0.05, -8, 8)
        self.th += self.td * 0.05
        self.t += 1
        return self.o(), -c, self.t >= 200


class Q(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 64)
        self.fc2 = nn.Linear(64, 64)
        self.fc3 = nn.Linear(64, 1)

    def forward(self, x, a):
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(torch.cat([x, a], 1))))))


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(3, 64)
        self.fc2 = nn.Linear(64, 64)
        self.fc_mean = nn.Linear(64, 1)
        self.fc_logstd = nn.Linear(64, 1)
        self.register_buffer("scale", torch.tensor(2.0))

    def forward(self, x):
        x = F.relu(self.fc2(F.relu(self.fc1(x))))
        ls = torch.tanh(self.fc_logstd(x))
        return self.fc_mean(x), -5 + 0.5 * 7 * (ls + 1)

    def get(self, x):
        m, ls = self(x)
        n = torch.distributions.Normal(m, ls.exp())
        xt = n.rsample()
        y = torch.tanh(xt)
        lp = n.log_prob(xt) - torch.log(self.scale * (1 - y.pow(2)) + 1e-6)
        return y * self.scale, lp.sum(1, keepdim=True)


actor, q1, q2, t1, t2 = Actor(), Q(), Q(), Q(), Q()
t1.load_state_dict(q1.state_dict())
t2.load_state_dict(q2.state_dict())
qo = optim.Adam(list(q1.parameters()) + list(q2.parameters()), lr=1e-3)
ao = optim.Adam(list(actor.parameters()), lr=3e-4)
te = -1.0
la = torch.zeros(1, requires_grad=True)
alpha = la.exp().item()
alo = optim.Adam([la], lr=1e-3)
buf = []
env = Pend()
o = env.reset()
for gs in range(1300):
    if gs < 300:
        a = np.random.uniform(-2, 2, 1).astype(np.float32)
    else:
        with torch.no_grad():
            a = actor.get(torch.tensor(o).unsqueeze(0))[0][0].numpy()
    no, r, d = env.step(a[0])
    buf.append((o, a, np.float32(r), no))
    o = env.reset() if d else no
    if gs > 300:
        b = random.sample(buf, 64)
        s, ac, rw, ns = (torch.tensor(np.array(z)) for z in zip(*b))
        with torch.no_grad():
            na, nlp = actor.get(ns)
            mq = torch.min(t1(ns, na), t2(ns, na)) - alpha * nlp
            y = rw + 0.99 * mq.view(-1)
        ql = F.mse_loss(q1(s, ac).view(-1), y) + F.mse_loss(q2(s, ac).view(-1), y)
        qo.zero_grad()
        ql.backward()
        qo.step()
        if gs % 2 == 0:
            for _ in range(2):
                pi, lp = actor.get(s)
                al = (alpha * lp - torch.min(q1(s, pi), q2(s, pi))).mean()
                ao.zero_grad()
                al.backward()
                ao.step()
                with torch.no_grad():
                    _, lp = actor.get(s)
                ll = (-la.exp() * (lp + te)).mean()
                alo.zero_grad()
                ll.backward()
                alo.step()
                alpha = la.exp().item()
        for p, tp in zip(list(q1.parameters()) + list(q2.parameters()), list(t1.parameters()) + list(t2.parameters())):
            tp.data.copy_(0.005 * p.data + 0.995 * tp.data)
        if gs % 100 == 0:
            print(gs, ql.item(), al.item(), alpha)
