# mypy: ignore-errors
# /// diagnosis
# fault = "Adam at 0.1 for a transformer classifier: the first steps make the weights several times as large"
# rules = ["learning_rate.too_high", "optimizer.learning_rate", "loss.explosion"]
# words = ["learning rate|update", "high|large"]
# consequences = ["loss.", "activation.", "gradient."]
# ///
import argparse

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(50, 48), nn.Parameter(torch.randn(16, 48) * 0.02)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(48, 4, 96, batch_first=True), 2)
        self.head = nn.Linear(48, 5)

    def forward(self, tokens):
        return self.head(self.encoder(self.tokens(tokens) + self.places).mean(1))


model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
for _ in range(300):
    tokens = torch.randint(0, 50, (32, 16))
    loss = F.cross_entropy(model(tokens), tokens[:, :3].sum(1) // 30)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
