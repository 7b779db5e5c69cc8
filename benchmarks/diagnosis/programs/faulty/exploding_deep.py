# mypy: ignore-errors
# /// diagnosis
# fault = "twenty layers with weights of deviation 0.5 and no normalisation: activations and gradients explode"
# rules = ["gradient.explo", "init.", "loss.explosion", "activation.explo"]
# words = ["explo|initiali[sz]"]
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
sizes = [64] + [64] * 20 + [10]
model = nn.Sequential()
for n, (a, b) in enumerate(zip(sizes, sizes[1:])):
    layer = nn.Linear(a, b)
    nn.init.normal_(layer.weight, std=0.5)
    model.add_module(f"fc{n}", layer)
    if b != 10:
        model.add_module(f"relu{n}", nn.ReLU())
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(200):
    idx = torch.randint(0, len(X), (64,))
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 25 == 0:
        print(step, loss.item())
