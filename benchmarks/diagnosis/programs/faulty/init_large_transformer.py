# mypy: ignore-errors
# /// diagnosis
# fault = "every weight of a small transformer is drawn with a deviation of 1"
# rules = ["init.", "activation.saturated"]
# words = ["initiali[sz]|explo"]
# within = 150
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
VOCAB, T, D = 32, 16, 64
chain = torch.softmax(torch.randn(VOCAB, VOCAB) * 2, -1)


def batch(n=16):
    x = torch.randint(0, VOCAB, (n, 1))
    for _ in range(T):
        x = torch.cat([x, torch.multinomial(chain[x[:, -1]], 1)], 1)
    return x[:, :-1], x[:, 1:]


class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, D)
        self.pos = nn.Parameter(torch.zeros(T, D))
        self.blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(D, 4, 128, dropout=0.0, batch_first=True), 2)
        self.head = nn.Linear(D, VOCAB)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=1.0)

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(T)
        return self.head(self.blocks(self.tok(x) + self.pos, mask=mask, is_causal=True))


model = LM()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
for step in range(250):
    x, y = batch()
    loss = nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
