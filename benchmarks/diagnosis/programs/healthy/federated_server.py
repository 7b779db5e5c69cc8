# mypy: ignore-errors
import argparse
import copy

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

centres = torch.randn(4, 12) * 1.5
server = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 4))
optimizer = torch.optim.AdamW(server.parameters(), lr=3e-3)


def batch(client):
    labels = (torch.randint(0, 3, (32,)) + client) % 4
    return centres[labels] + torch.randn(32, 12), labels


for turn in range(200):
    optimizer.zero_grad()
    moved = [torch.zeros_like(p) for p in server.parameters()]
    for client in range(4):
        local = copy.deepcopy(server)
        local_optimizer = torch.optim.SGD(local.parameters(), lr=0.05)
        for _ in range(4):
            x, y = batch(client)
            local_optimizer.zero_grad()
            loss = nn.functional.cross_entropy(local(x), y)
            loss.backward()
            local_optimizer.step()
        with torch.no_grad():
            for way, mine, theirs in zip(moved, server.parameters(), local.parameters(), strict=True):
                way += (mine - theirs) / 4
    for mine, way in zip(server.parameters(), moved, strict=True):
        mine.grad = way
    optimizer.step()
    if turn % 40 == 0:
        print(turn, loss.item())
