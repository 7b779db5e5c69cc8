# mypy: ignore-errors
# /// diagnosis
# fault = "scaler.scale(loss).backward() is followed by optimizer.step(): gradients are 65536 times too large"
# rules = ["gradient.never_unscaled"]
# words = ["unscale"]
# consequences = ["activation.", "learning_rate.too_high", "loss.", "gradient."]
# within = 50
# ///
import argparse

import torch
from sklearn.datasets import make_moons
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = make_moons(1200, noise=0.15, random_state=args.seed)
X, y = torch.tensor(X).float(), torch.tensor(y).float().unsqueeze(1)
model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scaler = torch.amp.GradScaler("cpu")
criterion = nn.BCEWithLogitsLoss()
for epoch in range(15):
    order = torch.randperm(1200)
    for k in range(0, 1200, 60):
        idx = order[k : k + 60]
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = model(X[idx])
        loss = criterion(out.float(), y[idx])
        scaler.scale(loss).backward()
        optimizer.step()
    print(epoch, loss.item())
