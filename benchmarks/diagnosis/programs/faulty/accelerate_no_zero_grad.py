# mypy: ignore-errors
# /// diagnosis
# fault = "a training loop with Accelerate lost its zero_grad: gradients of all steps add up"
# rules = ["gradient.not_zeroed"]
# words = ["zero_grad|never (zeroed|cleared|reset)|not zeroed|add up|accumulat"]
# consequences = ["loss.", "gradient.explosion"]
# within = 200
# needs = ["accelerate"]
# ///
import argparse

import torch
from accelerate import Accelerator
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y))
accelerator = Accelerator(cpu=True)
model = nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
loader = DataLoader(data, batch_size=64, shuffle=True)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for epoch in range(10):
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        accelerator.backward(loss)
        optimizer.step()
    accelerator.print(epoch, loss.item())
