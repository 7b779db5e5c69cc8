# mypy: ignore-errors
# /// diagnosis
# fault = "the embedding is replaced after it was tied and the optimizer was made: it is never trained"
# rules = ["parameter.not_in_optimizer", "parameter.replaced", "parameter.left_out"]
# words = ["optimizer|never", "embedding"]
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(60, 32)
        self.rnn = nn.GRU(32, 32, batch_first=True)
        self.head = nn.Linear(32, 60, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.head(self.rnn(self.embedding(tokens))[0])


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
model.embedding = nn.Embedding(60, 32)
for step in range(200):
    tokens = torch.randint(0, 60, (16, 15)).cumsum(1) % 60
    loss = nn.functional.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
