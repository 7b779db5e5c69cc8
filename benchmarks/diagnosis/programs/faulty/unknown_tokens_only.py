# mypy: ignore-errors
# /// diagnosis
# fault = "every word is unknown to the vocabulary: all tokens are 1"
# rules = ["data.constant_input", "data.repeated"]
# words = ["same|are 1|constant", "input|token"]
# consequences = ["loss.plateau"]
# ///
import argparse

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places, self.head = nn.Embedding(12, 16), nn.Embedding(8, 16), nn.Linear(16, 2)

    def forward(self, tokens):
        places = torch.arange(tokens.shape[1])
        return self.head(torch.tanh(self.tokens(tokens) + self.places(places)).mean(1))


words = ["good", "bad", "plot", "film", "actor", "scene"]
vocabulary = {word: at + 2 for at, word in enumerate(words)}
model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for _ in range(150):
    drawn = torch.randint(0, len(words), (32, 8))
    tokens = torch.tensor([[vocabulary.get(words[at] + " ", 1) for at in row] for row in drawn.tolist()])
    loss = F.cross_entropy(model(tokens), (drawn == 0).any(1).long())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
