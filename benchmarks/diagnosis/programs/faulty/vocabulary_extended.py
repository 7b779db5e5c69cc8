# mypy: ignore-errors
# /// diagnosis
# fault = "words are added after the optimizer was made: it holds the table before, and the longer one is never trained"
# rules = ["parameter.replaced"]
# words = ["optimizer", "embedding|table"]
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Tagger(nn.Module):
    def __init__(self, words, tags, width=24):
        super().__init__()
        self.words = nn.Embedding(words, width)
        nn.init.normal_(self.words.weight, std=0.1)
        self.rnn = nn.LSTM(width, 32, batch_first=True, bidirectional=True)
        self.tags = nn.Linear(64, tags)

    def forward(self, tokens):
        return self.tags(self.rnn(self.words(tokens))[0])

    def extend(self, words):
        known = self.words.weight.data
        more = 0.1 * torch.randn(words - len(known), known.shape[1])
        self.words = nn.Embedding.from_pretrained(torch.cat([known, more]), freeze=False)


model = Tagger(words=80, tags=5)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
model.extend(words=100)
tag_of = torch.randint(0, 5, (100,))
for step in range(250):
    tokens = torch.randint(0, 100, (16, 12))
    loss = nn.functional.cross_entropy(model(tokens).flatten(0, 1), tag_of[tokens].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
