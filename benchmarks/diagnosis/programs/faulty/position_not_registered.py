# mypy: ignore-errors
# /// diagnosis
# fault = "the positional encoding is a plain tensor with requires_grad, which model.parameters() does not return"
# rules = ["parameter.not_registered"]
# words = ["never updated", "pos"]
# within = 150
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Tagger(nn.Module):
    def __init__(self, vocabulary=30, width=32, length=20):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.pos = torch.randn(1, length, width, requires_grad=True)
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.out = nn.Linear(width, 2)

    def forward(self, x):
        return self.out(self.encoder(self.embedding(x) + self.pos[:, : x.size(1)]))


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for i in range(200):
    x = torch.randint(0, 30, (16, 20))
    y = (x + torch.arange(20)) % 2
    loss = criterion(model(x).transpose(1, 2), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if i % 40 == 0:
        print(i, loss.item())
