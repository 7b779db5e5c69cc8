# mypy: ignore-errors
# /// diagnosis
# fault = "attention pooling of a GRU's states takes its softmax over the last dimension, which has one element"
# rules = ["loss.softmax_dimension", "model.softmax_dimension", "gradient.zero"]
# words = ["softmax|weight", "dim|gradient"]
# within = 200
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Reader(nn.Module):
    def __init__(self, vocab=30, width=32):
        super().__init__()
        self.embedding = nn.Embedding(vocab, width)
        self.rnn = nn.GRU(width, width, batch_first=True)
        self.energy = nn.Sequential(nn.Linear(width, 16), nn.Tanh(), nn.Linear(16, 1, bias=False))
        self.head = nn.Linear(width, 4)

    def forward(self, tokens):
        states, _ = self.rnn(self.embedding(tokens))
        weights = torch.softmax(self.energy(states), dim=-1)
        return self.head((weights.transpose(1, 2) @ states).squeeze(1))


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(300):  # which of the first four tokens comes most often
    tokens = torch.randint(0, 30, (32, 24))
    counts = torch.stack([(tokens == kind).sum(1) for kind in range(4)], 1)
    loss = nn.functional.cross_entropy(model(tokens), counts.argmax(1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
