# mypy: ignore-errors
# /// diagnosis
# fault = "a language model's targets are its inputs, not shifted by one: it learns to copy"
# rules = ["data.shifted_labels", "data.target_is_input"]
# words = ["target|label", "same|identical|equal|cop(y|ies)|shift|leak", "input"]
# within = 200
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
text = "the quick brown fox jumps over the lazy dog while the small cat sleeps on the warm mat near the door " * 40
chars = sorted(set(text))
data = torch.tensor([chars.index(c) for c in text])


def batch(n=16, length=24):
    starts = torch.randint(0, len(data) - length - 1, (n,))
    x = torch.stack([data[s : s + length] for s in starts])
    y = torch.stack([data[s : s + length] for s in starts])  # should start at s + 1
    return x, y


class CharRNN(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.embedding = nn.Embedding(vocab, 24)
        self.gru = nn.GRU(24, 64, batch_first=True)
        self.head = nn.Linear(64, vocab)

    def forward(self, x):
        return self.head(self.gru(self.embedding(x))[0])


model = CharRNN(len(chars))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(300):
    x, y = batch()
    loss = nn.functional.cross_entropy(model(x).transpose(1, 2), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
