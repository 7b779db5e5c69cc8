# mypy: ignore-errors
# /// diagnosis
# fault = "pixels are divided by 255 twice: inputs are next to nothing"
# rules = ["data.unnormalised", "loss.plateau"]
# words = ["input", "small|close to 0|scale"]
# within = 500
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
X = torch.tensor(d.images, dtype=torch.float32)[:, None] * 15.9375 / 255.0
Y = torch.tensor(d.target)


class DS(torch.utils.data.Dataset):
    def __len__(s):
        return len(X)

    def __getitem__(s, i):
        return X[i] / 255.0, Y[i]


ld = torch.utils.data.DataLoader(DS(), 64, shuffle=True)
m = nn.Sequential(
    nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144, 64), nn.ReLU(), nn.Linear(64, 10)
)
opt = torch.optim.SGD(m.parameters(), lr=0.01, momentum=0.9)
for ep in range(20):
    for x, y in ld:
        opt.zero_grad()
        l = F.cross_entropy(m(x), y)
        l.backward()
        opt.step()
    print(ep, l.item())
