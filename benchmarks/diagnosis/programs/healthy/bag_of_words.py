# mypy: ignore-errors
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
VOCAB, TOPICS = 400, 5
topics = torch.softmax(torch.randn(TOPICS, VOCAB) * 2, 1)
labels = torch.randint(0, TOPICS, (1200,))
counts = torch.zeros(1200, VOCAB)
words = torch.multinomial(topics[labels], 60, replacement=True)
counts.scatter_add_(1, words, torch.ones(1200, 60))
loader = DataLoader(TensorDataset(counts, labels), batch_size=40, shuffle=True)
model = nn.Sequential(nn.Linear(VOCAB, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, TOPICS))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
