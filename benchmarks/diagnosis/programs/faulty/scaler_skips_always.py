# mypy: ignore-errors
# /// diagnosis
# fault = "the gradient of a square root at zero is NaN in every step, and GradScaler skips them all"
# rules = ["amp.steps_skipped", "precision.scale_collapsed", "gradient.nonfinite"]
# words = ["scaler|skip|non-finite|infin"]
# within = 100
# ///
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
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler("cpu")
for step in range(200):
    idx = torch.randint(0, len(X), (64,))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(X[idx])
    logits = logits.float()
    # an attempt at a margin; the distance of the right class to itself is the root of zero
    margin = torch.sqrt((logits - logits.gather(1, y[idx, None])) ** 2).mean()
    loss = nn.functional.cross_entropy(logits, y[idx]) + 0.1 * margin
    optimizer.zero_grad(set_to_none=True)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    if step % 25 == 0:
        print(step, loss.item(), scaler.get_scale())
