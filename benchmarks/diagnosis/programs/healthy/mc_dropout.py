# mypy: ignore-errors
import argparse

import torch
from sklearn.datasets import load_diabetes
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_diabetes(return_X_y=True)
X = torch.tensor(X, dtype=torch.float32) * 20
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32).unsqueeze(1)
Xt, yt, Xv, yv = X[:350], y[:350], X[350:], y[350:]
model = nn.Sequential(
    nn.Linear(10, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 1)
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-3)


def enable_dropout(m):
    if isinstance(m, nn.Dropout):
        m.train()


for epoch in range(20):
    model.train()
    for idx in torch.randperm(350).split(32):
        loss = nn.functional.mse_loss(model(Xt[idx]), yt[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
model.eval()
model.apply(enable_dropout)  # uncertainty: dropout stays on, on purpose, at the end
with torch.no_grad():
    samples = torch.stack([model(Xv) for _ in range(50)])
print("rmse", (samples.mean(0) - yv).square().mean().sqrt().item(), "std", samples.std(0).mean().item())
