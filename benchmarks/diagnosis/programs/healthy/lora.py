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


class LoRALinear(nn.Module):
    def __init__(self, base, r=4, alpha=8):
        super().__init__()
        self.base = base
        self.A = nn.Parameter(torch.randn(r, base.in_features) * 0.02)
        self.B = nn.Parameter(torch.zeros(base.out_features, r))
        self.scale = alpha / r

    def forward(self, x):
        return self.base(x) + (x @ self.A.T @ self.B.T) * self.scale


model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
pretrain = torch.optim.Adam(model.parameters(), lr=1e-3)
low = y < 5
for step in range(150):  # pre-training on the digits below five
    idx = torch.nonzero(low).squeeze(1)[torch.randint(0, int(low.sum()), (64,))]
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    pretrain.zero_grad()
    loss.backward()
    pretrain.step()
print("pre-trained", loss.item())
for p in model.parameters():
    p.requires_grad_(False)
for i in (0, 2, 4):
    model[i] = LoRALinear(model[i])
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-3)
for step in range(300):
    idx = torch.randint(0, len(X), (64,))
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
