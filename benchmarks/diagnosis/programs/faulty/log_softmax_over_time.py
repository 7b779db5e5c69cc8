# mypy: ignore-errors
# /// diagnosis
# fault = "a tagger's log_softmax runs over the places of a sentence, and the loss by hand gathers classes"
# rules = ["loss.softmax_dimension"]
# words = ["dimension|dim"]
# within = 100
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(100, 32)
        self.reader = nn.GRU(32, 32, batch_first=True)
        self.tags = nn.Linear(32, 7)

    def forward(self, x):
        return self.tags(self.reader(self.words(x))[0])


def smoothed(scores, tags):
    likely = torch.log_softmax(scores, dim=1)
    own = likely.gather(2, tags.unsqueeze(2)).squeeze(2)
    return -((1 - own.exp()) * own).mean()


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for _ in range(150):
    x = torch.randint(0, 100, (16, 12))
    optimizer.zero_grad()
    smoothed(model(x), x % 7).backward()
    optimizer.step()
