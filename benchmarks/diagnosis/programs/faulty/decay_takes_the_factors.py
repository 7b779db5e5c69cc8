# mypy: ignore-errors
# /// diagnosis
# fault = "a weight decay that suits AdamW is given to Adam and pulls the factors of songs and listeners to zero"
# rules = ["optimizer.weight_decay", "loss.plateau"]
# words = ["decay|stuck|constant", "weight|loss|drawn"]
# consequences = ["gradient.vanishing", "parameter.never_changes"]
# within = 600
# ///
import argparse

import torch
from torch import nn


class Factors(nn.Module):
    def __init__(self, listeners, songs, size):
        super().__init__()
        self.listener = nn.Embedding(listeners, size)
        self.song = nn.Embedding(songs, size)
        nn.init.normal_(self.listener.weight, std=0.15)
        nn.init.normal_(self.song.weight, std=0.15)
        self.level = nn.Parameter(torch.zeros(()))

    def forward(self, listener, song):
        return self.level + (self.listener(listener) * self.song(song)).sum(1)


parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
torch.manual_seed(parser.parse_args().seed)
taste, style = torch.randn(400, 4), torch.randn(300, 4) * 0.6
listener, song = torch.randint(0, 400, (40_000,)), torch.randint(0, 300, (40_000,))
minutes = (taste[listener] * style[song]).sum(1) + 0.2 * torch.randn(40_000)
model = Factors(400, 300, 10)
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3, weight_decay=0.1)
for epoch in range(16):
    for rows in torch.randperm(40_000).split(500):
        error = model(listener[rows], song[rows]) - minutes[rows]
        loss = error.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
