# mypy: ignore-errors
# /// diagnosis
# fault = "a recurrent tagger gives raw scores of each token to nll_loss"
# rules = ["loss.expects_log_probabilities"]
# words = ["log.?prob|log_softmax|logit|raw"]
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
        self.embedding = nn.Embedding(100, 24)
        self.gru = nn.GRU(24, 32, batch_first=True, bidirectional=True)
        self.out = nn.Linear(64, 5)

    def forward(self, tokens):
        return self.out(self.gru(self.embedding(tokens))[0])


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(120):
    tokens = torch.randint(0, 100, (16, 14))
    loss = nn.functional.nll_loss(model(tokens).transpose(1, 2), tokens % 5)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
