# mypy: ignore-errors
# /// diagnosis
# fault = "the pretrained body is thawed by module.requires_grad = True, which does nothing, and stays frozen"
# rules = ["parameter.switch_without_effect"]
# words = ["frozen.*body|body.*frozen"]
# within = 150
# ///
import argparse

import torch
from sklearn.datasets import load_wine
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
torch.manual_seed(parser.parse_args().seed)

table, kinds = load_wine(return_X_y=True)
x = torch.tensor((table - table.mean(0)) / table.std(0), dtype=torch.float32)
y = torch.tensor(kinds)
model = nn.ModuleDict({"body": nn.Sequential(nn.Linear(13, 32), nn.Tanh()), "head": nn.Linear(32, 3)})
for parameter in model["body"].parameters():
    parameter.requires_grad = False


def train(steps, rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    for _ in range(steps):
        rows = torch.randint(0, len(x), (32,))
        loss = nn.functional.cross_entropy(model["head"](model["body"](x[rows])), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


train(150, 1e-2)
model["body"].requires_grad = True
train(300, 1e-3)
