# mypy: ignore-errors
# /// diagnosis
# fault = "a few tickets are a hundred times as long as the others, and whole batches are padded to them"
# rules = ["timing.spikes"]
# words = ["long|length|padd|tokens"]
# within = 400
# ///
import argparse

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
torch.manual_seed(parser.parse_args().seed)

LENGTHS = torch.randint(10, 30, (2000,))
LENGTHS[torch.randperm(2000)[:6]] = torch.randint(2000, 3000, (6,))
KINDS = torch.randint(0, 3, (2000,))
TICKETS = [(torch.randint(1, 60, (int(n),)) + 30 * kind, kind) for n, kind in zip(LENGTHS, KINDS, strict=True)]


def padded(samples):
    words, kinds = zip(*samples, strict=True)
    return pad_sequence(list(words), batch_first=True), torch.stack(kinds)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(150, 24, padding_idx=0)
        self.memory = nn.GRU(24, 48, batch_first=True)
        self.answer = nn.Linear(48, 3)

    def forward(self, words):
        states, _ = self.memory(self.words(words))
        kept = (words > 0).unsqueeze(-1)
        return self.answer((states * kept).sum(1) / kept.sum(1))


reader = Reader()
optimizer = torch.optim.Adam(reader.parameters(), lr=3e-3)
for _ in range(4):
    for words, kinds in DataLoader(TICKETS, batch_size=16, shuffle=True, collate_fn=padded):
        optimizer.zero_grad()
        nn.functional.cross_entropy(reader(words), kinds).backward()
        optimizer.step()
