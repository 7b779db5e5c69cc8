# mypy: ignore-errors
# /// diagnosis
# fault = "weights drawn with a deviation of 0.02 in fifteen tanh layers: signal and gradients vanish"
# rules = ["gradient.vanish", "init."]
# words = ["vanish|initiali[sz]"]
# within = 200
# ///
import argparse

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_breast_cancer(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32)


class Deep(nn.Module):
    def __init__(self, width=64, depth=15):
        super().__init__()
        self.first = nn.Linear(30, width)
        self.blocks = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
        self.head = nn.Linear(width, 1)
        for p in self.parameters():
            nn.init.normal_(p, std=0.02)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        for block in self.blocks:
            x = torch.tanh(block(x))
        return self.head(x).squeeze(-1)


model = Deep()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for step in range(300):
    idx = torch.randint(0, len(X), (32,))
    loss = nn.functional.binary_cross_entropy_with_logits(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
