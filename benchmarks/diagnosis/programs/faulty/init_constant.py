# mypy: ignore-errors
# /// diagnosis
# fault = "all weights of a layer start at the same value: its units stay copies of each other"
# rules = ["init."]
# words = ["initiali[sz]|constant|symmetr|same value|all equal"]
# within = 100
# ///
import argparse

import torch
from sklearn.datasets import load_wine
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_wine(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(13, 64)
        self.l2 = nn.Linear(64, 64)
        self.l3 = nn.Linear(64, 3)
        for layer in (self.l1, self.l2, self.l3):
            nn.init.constant_(layer.weight, 0.1)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        return self.l3(torch.relu(self.l2(torch.relu(self.l1(x)))))


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(300):
    idx = torch.randint(0, len(X), (32,))
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
