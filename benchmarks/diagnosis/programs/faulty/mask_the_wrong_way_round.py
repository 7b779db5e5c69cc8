# mypy: ignore-errors
# /// diagnosis
# fault = "the mask of padding is inverted: all words are multiplied by 0, so only the frequencies of tags are learned"
# rules = ["loss.plateau"]
# words = ["no better than always|what reaches the output"]
# within = 600
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
torch.manual_seed(parser.parse_args().seed)

PADDING, WORDS, TAGS = 0, 80, 6
TAG_OF = torch.multinomial(torch.tensor([0.45, 0.25, 0.12, 0.1, 0.05, 0.03]), WORDS, replacement=True)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(WORDS, 32)
        self.memory = nn.GRU(32, 32, batch_first=True, bidirectional=True)
        self.tags = nn.Linear(64, TAGS)

    def forward(self, words):
        mask = (words == PADDING).unsqueeze(-1)
        return self.tags(self.memory(self.words(words) * mask)[0])


tagger = Tagger()
optimizer = torch.optim.Adam(tagger.parameters(), lr=2e-3)
for _ in range(600):
    words = torch.randint(1, WORDS, (24, 16))
    scores = tagger(words)
    loss = nn.functional.cross_entropy(scores.reshape(-1, TAGS), TAG_OF[words].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
