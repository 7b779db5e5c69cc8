# mypy: ignore-errors
# /// diagnosis
# fault = "Adam with a learning rate of 0.3: the first steps throw a transformer away, and it never gets below chance"
# rules = ["learning_rate.too_high", "optimizer.learning_rate", "loss.explosion"]
# words = ["learning rate|update", "high|large"]
# consequences = ["loss.plateau", "activation.", "gradient."]
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
        self.embedding = nn.Embedding(40, 32)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True), 2)
        self.head = nn.Linear(32, 40)

    def forward(self, tokens):
        return self.head(self.encoder(self.embedding(tokens)))


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=0.3)
for step in range(150):
    tokens = torch.randint(0, 40, (16, 12))
    loss = nn.functional.cross_entropy(model(tokens).flatten(0, 1), ((tokens + 7) % 40).flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
