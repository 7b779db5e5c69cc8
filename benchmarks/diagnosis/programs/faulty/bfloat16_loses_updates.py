# mypy: ignore-errors
# /// diagnosis
# fault = "weights in bfloat16 and Adam at 3e-5: most updates are rounded away"
# rules = ["precision.", "parameter.never_changes", "learning_rate.too_low"]
# words = ["bfloat16|precision|rounded"]
# ///
import argparse

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(32, 64)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 128, 0.0, batch_first=True), 2)
        self.head = nn.Linear(64, 32)

    def forward(self, tokens):
        return self.head(self.encoder(self.tokens(tokens)))


model = Model().to(torch.bfloat16)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-5, weight_decay=0.0)
for _ in range(150):
    tokens = torch.randint(0, 32, (16, 16))
    loss = F.cross_entropy(model(tokens).float().flatten(0, 1), ((5 * tokens + 3) % 32).flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
