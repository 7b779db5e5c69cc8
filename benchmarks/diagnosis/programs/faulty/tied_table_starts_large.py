# mypy: ignore-errors
# /// diagnosis
# fault = "the table of an embedding gives the scores as well, and starts with a deviation of 1"
# rules = ["init.scale"]
# words = ["initiali[sz]|start|draw|drawn", "embedding|table|large"]
# within = 40
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
VOCAB, T, D = 128, 24, 64
chain = torch.softmax(2.5 * torch.randn(VOCAB, VOCAB), -1)


def batch(n=16):
    x = torch.randint(0, VOCAB, (n, 1))
    for _ in range(T):
        x = torch.cat([x, torch.multinomial(chain[x[:, -1]], 1)], 1)
    return x[:, :-1], x[:, 1:]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.attn = nn.MultiheadAttention(D, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(D, 4 * D), nn.GELU(), nn.Linear(4 * D, D))

    def forward(self, x, mask):
        h = self.ln1(x)
        x = x + self.attn(h, h, h, attn_mask=mask, need_weights=False)[0]
        return x + self.mlp(self.ln2(x))


class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, D)
        self.pos = nn.Embedding(T, D)
        self.blocks = nn.ModuleList(Block() for _ in range(2))
        self.ln = nn.LayerNorm(D)
        self.head = nn.Linear(D, VOCAB, bias=False)
        self.head.weight = self.tok.weight

    def forward(self, x):
        mask = torch.triu(torch.full((T, T), float("-inf")), 1)
        h = self.tok(x) + self.pos(torch.arange(T))
        for block in self.blocks:
            h = block(h, mask)
        return self.head(self.ln(h))


model = LM()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for step in range(250):
    x, y = batch()
    loss = nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
