# mypy: ignore-errors
# /// diagnosis
# fault = "in one batch every label is the index to ignore: the mean over nothing is NaN"
# rules = ["loss.nonfinite", "gradient.nonfinite"]
# step = 100
# within = 40
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
PAD = -100


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 16)
        self.gru = nn.GRU(16, 32, batch_first=True)
        self.out = nn.Linear(32, 3)

    def forward(self, x):
        return self.out(self.gru(self.embedding(x))[0])


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
for step in range(200):
    x = torch.randint(0, 30, (8, 10))
    y = x % 3
    y[:, 7:] = PAD
    if step == 100:
        y[:] = PAD  # a chunk of pages without any annotation
    optimizer.zero_grad()
    loss = criterion(model(x).flatten(0, 1), y.flatten())
    loss.backward()
    optimizer.step()
    if step % 25 == 0:
        print(step, loss.item())
