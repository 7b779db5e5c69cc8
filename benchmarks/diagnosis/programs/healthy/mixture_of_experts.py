# mypy: ignore-errors
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)


class MoE(nn.Module):
    def __init__(self, width=64, experts=8):
        super().__init__()
        self.gate = nn.Linear(width, experts)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, width)) for _ in range(experts)
        )

    def forward(self, x):
        probs = torch.softmax(self.gate(x), -1)
        weight, chosen = probs.max(-1)
        out = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            mask = chosen == i
            if mask.any():  # an expert that nobody chose gets no gradient in this step
                out[mask] = weight[mask, None] * expert(x[mask])
        balance = (probs.mean(0) * torch.bincount(chosen, minlength=8) / len(x)).sum() * 8
        return x + out, balance


moe, head = MoE(), nn.Linear(64, 10)
optimizer = torch.optim.Adam([*moe.parameters(), *head.parameters()], lr=2e-3)
for step in range(300):
    idx = torch.randint(0, len(X), (16,))
    h, balance = moe(X[idx])
    loss = nn.functional.cross_entropy(head(h), y[idx]) + 0.01 * balance
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
