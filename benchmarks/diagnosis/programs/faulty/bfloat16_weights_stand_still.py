# mypy: ignore-errors
# /// diagnosis
# fault = "weights in bfloat16 and plain SGD: biases are put right, and then nothing moves any more"
# rules = ["precision.updates_lost"]
# words = ["bfloat16|rounded"]
# ///
import argparse

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X = torch.tensor(load_breast_cancer().data, dtype=torch.float32)
X = (X - X.mean(0)) / X.std(0) + 0.8
net = nn.Sequential(nn.Linear(30, 64), nn.Tanh(), nn.Linear(64, 6), nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 30))
net = net.to(torch.bfloat16)
optimizer = torch.optim.SGD(net.parameters(), lr=0.004)
for _ in range(2500):
    x = X[torch.randint(0, len(X), (64,))].bfloat16()
    optimizer.zero_grad()
    nn.functional.mse_loss(net(x).float(), x.float()).backward()
    optimizer.step()
