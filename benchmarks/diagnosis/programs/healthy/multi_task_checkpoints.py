# mypy: ignore-errors
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)
data = TensorDataset(X[:1400], y[:1400], X[:1400].mean(1, keepdim=True))
trunk = nn.Sequential(nn.Linear(64, 64), nn.LayerNorm(64), nn.ReLU())
heads = nn.ModuleDict({"digit": nn.Linear(64, 10), "even": nn.Linear(64, 1), "ink": nn.Linear(64, 1)})
model = nn.ModuleDict({"trunk": trunk, "heads": heads})
log_vars = nn.Parameter(torch.zeros(3))
optimizer = torch.optim.Adam([{"params": model.parameters()}, {"params": [log_vars], "lr": 1e-2}], lr=1e-3)
best = float("inf")
for epoch in range(15):
    model.train()
    for xb, yb, ink in DataLoader(data, batch_size=64, shuffle=True):
        h = trunk(xb)
        losses = torch.stack(
            [
                nn.functional.cross_entropy(heads["digit"](h), yb),
                nn.functional.binary_cross_entropy_with_logits(heads["even"](h).squeeze(1), (yb % 2 == 0).float()),
                nn.functional.mse_loss(heads["ink"](h), ink),
            ]
        )
        loss = (torch.exp(-log_vars) * losses + log_vars).sum()  # negative in the end, as it should be
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = nn.functional.cross_entropy(heads["digit"](trunk(X[1400:])), y[1400:]).item()
    if val < best:
        best = val
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, "best.pt")
    print(epoch, loss.item(), val)
