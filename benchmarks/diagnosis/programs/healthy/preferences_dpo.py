# mypy: ignore-errors
"""A small language model is trained, then tuned to preferences against its frozen copy (DPO)."""

import argparse
import copy

import torch
import torch.nn.functional as F
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
WORDS, LENGTH = 24, 16


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.rnn, self.head = (
            nn.Embedding(WORDS, 48),
            nn.GRU(48, 96, batch_first=True),
            nn.Linear(96, WORDS),
        )

    def forward(self, x):
        return self.head(self.rnn(self.words(x))[0])


def counting(n, step):
    return (torch.randint(WORDS, (n, 1)) + step * torch.arange(LENGTH)) % WORDS


def likelihood(model, x):
    return F.log_softmax(model(x[:, :-1]), -1).gather(-1, x[:, 1:, None]).squeeze(-1)[:, 2:].sum(-1)


policy = Model()
optimizer = torch.optim.AdamW(policy.parameters(), lr=3e-3)
for step in range(250):
    x = torch.cat([counting(8, k) for k in (1, 2, 3, 5)])
    loss = F.cross_entropy(policy(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print("language", step, loss.item())
reference = copy.deepcopy(policy).eval().requires_grad_(False)
optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-4)
for step in range(200):
    good, bad = counting(24, 2), counting(24, 5)
    with torch.no_grad():
        before = likelihood(reference, good) - likelihood(reference, bad)
    loss = -F.logsigmoid(0.1 * (likelihood(policy, good) - likelihood(policy, bad) - before)).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()
    if step % 40 == 0:
        print("preferences", step, loss.item())
