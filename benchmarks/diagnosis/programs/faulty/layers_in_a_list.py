# mypy: ignore-errors
# /// diagnosis
# fault = "hidden layers are kept in a plain list, so that parameters() misses them"
# rules = ["parameter.not_in_optimizer", "parameter.unregistered", "parameter.never_changes"]
# words = ["not in (the|any) optimizer|no optimizer|regist"]
# within = 150
# ///
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


class MLP(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        self.inp = nn.Linear(10, width)
        self.hidden = [nn.Linear(width, width) for _ in range(depth)]
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        x = torch.relu(self.inp(x))
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.out(x)


model = MLP(32, 3)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(400):
    idx = torch.randint(0, len(X), (32,))
    loss = nn.functional.mse_loss(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
