# mypy: ignore-errors
# /// diagnosis
# fault = "a hand-written attention takes its softmax over the batch instead of the keys"
# rules = ["loss.softmax_dimension", "model.softmax_dimension"]
# words = ["softmax", "dim|batch|axis"]
# within = 200
# ///
import argparse
import math

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
        return self.proj(torch.softmax(scores, dim=0) @ v)


class Model(nn.Module):
    def __init__(self, vocab=20, width=32, length=12):
        super().__init__()
        self.tok = nn.Embedding(vocab, width)
        self.pos = nn.Parameter(torch.randn(length, width) * 0.1)
        self.attn = Attention(width)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocab)

    def forward(self, x):
        h = self.tok(x) + self.pos
        return self.head(self.norm(h + self.attn(h)))


model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(300):  # reverse a sequence
    x = torch.randint(0, 20, (32, 12))
    loss = nn.functional.cross_entropy(model(x).transpose(1, 2), x.flip(1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
