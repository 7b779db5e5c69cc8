# mypy: ignore-errors
# /// diagnosis
# fault = "the teacher is in the optimizer and its outputs are not detached: it follows its student"
# rules = ["loss.target", "parameter."]
# words = ["teacher", "train|detach|no_grad"]
# step = 170
# within = 50
# ///
import argparse

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
ld = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), 64, shuffle=True)
teacher = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
student = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10))
o = torch.optim.Adam(teacher.parameters(), 1e-3)
for ep in range(6):
    for x, y in ld:
        l = F.cross_entropy(teacher(x), y)
        o.zero_grad()
        l.backward()
        o.step()


class Distiller(nn.Module):
    def __init__(s, t, st):
        super().__init__()
        s.teacher = t
        s.student = st

    def forward(s, x):
        return s.teacher(x), s.student(x)


m = Distiller(teacher, student)
opt = torch.optim.Adam(m.parameters(), 1e-3)
T = 3
for ep in range(10):
    m.train()
    for x, y in ld:
        t, s = m(x)
        loss = F.kl_div(F.log_softmax(s / T, 1), F.softmax(t / T, 1), reduction="batchmean") * T * T
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(ep, loss.item(), (s.argmax(1) == y).float().mean().item())
