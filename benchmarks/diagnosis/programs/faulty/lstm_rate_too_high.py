# mypy: ignore-errors
# /// diagnosis
# fault = "Adam with a learning rate of 0.1 on an LSTM: the first steps replace the weights, and it stays at chance"
# rules = ["learning_rate.too_high"]
# words = ["learning rate.*too high"]
# consequences = ["activation.saturated", "loss.plateau", "gradient."]
# ///
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm = nn.Embedding(200, 32), nn.LSTM(32, 64, batch_first=True)
        self.head = nn.Linear(64, 2)

    def forward(self, tokens):
        _, (hidden, _) = self.lstm(self.embedding(tokens))
        return self.head(hidden[-1])


tokens = torch.randint(1, 200, (1200, 25))
labels = ((tokens < 40).sum(1) > (tokens > 160).sum(1)).long()
reader = Reader()
optimizer = torch.optim.Adam(reader.parameters(), lr=0.1)
for _ in range(6):
    for x, y in DataLoader(TensorDataset(tokens, labels), batch_size=32, shuffle=True):
        loss = nn.functional.cross_entropy(reader(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
