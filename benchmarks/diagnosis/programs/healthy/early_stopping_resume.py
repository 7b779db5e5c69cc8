# mypy: ignore-errors
import argparse
import copy
import os
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_breast_cancer(return_X_y=True)
X = torch.tensor(StandardScaler().fit_transform(X), dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32)
i = torch.randperm(len(X))
X, y = X[i], y[i]


def mk():
    m = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))
    return m, torch.optim.AdamW(m.parameters(), 1e-3)


path = os.path.join(tempfile.mkdtemp(), "ck.pt")
m, o = mk()
best, bad, ep = 9e9, 0, 0


def epoch(m, o):
    m.train()
    for b in torch.randperm(400).split(16):
        o.zero_grad()
        F.binary_cross_entropy_with_logits(m(X[b]).squeeze(1), y[b]).backward()
        o.step()
    m.eval()
    with torch.no_grad():
        return F.binary_cross_entropy_with_logits(m(X[400:]).squeeze(1), y[400:]).item()


for ep in range(12):
    v = epoch(m, o)
    torch.save({"m": m.state_dict(), "o": o.state_dict(), "ep": ep}, path)
    print(ep, v)
m, o = mk()
ck = torch.load(path)
m.load_state_dict(ck["m"])
o.load_state_dict(ck["o"])
for ep in range(ck["ep"] + 1, 80):
    v = epoch(m, o)
    if v < best - 1e-4:
        best, bad, w = v, 0, copy.deepcopy(m.state_dict())
    else:
        bad += 1
    if bad >= 8:
        print("early stop", ep, best)
        break
m.load_state_dict(w)
