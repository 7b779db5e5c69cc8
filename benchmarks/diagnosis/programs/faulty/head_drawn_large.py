# mypy: ignore-errors
# /// diagnosis
# fault = "the output layer of a language model starts with a standard deviation of 4: the first loss is 9 times ln 64"
# rules = ["init."]
# words = ["initial|start", "large"]
# ///
import argparse

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.recurrent, self.head = (
            nn.Embedding(64, 48),
            nn.GRU(48, 48, batch_first=True),
            nn.Linear(48, 64),
        )
        nn.init.normal_(self.tokens.weight, std=4)
        nn.init.normal_(self.head.weight, std=4)

    def forward(self, tokens):
        return self.head(self.recurrent(self.tokens(tokens))[0])


model = LanguageModel()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for _ in range(150):
    text = (torch.randint(0, 64, (16, 1)) + 5 * torch.arange(33)) % 64
    loss = F.cross_entropy(model(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
