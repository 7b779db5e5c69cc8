# mypy: ignore-errors
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
T, V, H = 10, 15, 32


class Pointer(nn.Module):
    """Additive attention over sequences that come first: (time, batch, features)."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, H)
        self.encoder = nn.GRU(H, H)
        self.query, self.key, self.v = nn.Linear(H, H), nn.Linear(H, H), nn.Linear(H, 1)
        self.out = nn.Linear(H, V)

    def forward(self, x):
        states, last = self.encoder(self.embedding(x))
        scores = self.v(torch.tanh(self.key(states) + self.query(last))).squeeze(2)  # (time, batch)
        weights = torch.softmax(scores, dim=0)
        return self.out((weights.unsqueeze(2) * states).sum(0))


model = Pointer()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(300):  # the largest symbol of the sequence
    x = torch.randint(0, V, (T, 32))
    loss = nn.functional.cross_entropy(model(x), x.max(0).values)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
