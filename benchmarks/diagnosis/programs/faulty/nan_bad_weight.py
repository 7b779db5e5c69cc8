# mypy: ignore-errors
# /// diagnosis
# fault = "a weight becomes NaN: normalising rows divides by zero for a row that was pruned"
# rules = ["loss.nonfinite", "gradient.nonfinite", "parameter.nonfinite"]
# step = 120
# within = 20
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


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(64, 48)
        self.hidden = nn.Linear(48, 48)
        self.out = nn.Linear(48, 10)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(torch.relu(self.embed(x)))))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(250):
    idx = torch.randint(0, len(X), (64,))
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step == 119:  # prune, then bring every row back to unit length
        with torch.no_grad():
            norms = model.hidden.weight.norm(dim=1, keepdim=True)
            model.hidden.weight[norms.squeeze().argmin()] = 0
            model.hidden.weight.div_(model.hidden.weight.norm(dim=1, keepdim=True))
    if step % 50 == 0:
        print(step, loss.item())
