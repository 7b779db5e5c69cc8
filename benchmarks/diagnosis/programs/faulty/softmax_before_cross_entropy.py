# mypy: ignore-errors
# /// diagnosis
# fault = "the model ends in a softmax, and the cross entropy takes another one"
# rules = ["loss.expects_logits", "loss.log_softmax_twice"]
# words = ["softmax|probabilit", "cross.?entropy|logit|twice"]
# within = 100
# fast = true
# ///
import argparse

import torch
from sklearn.datasets import load_iris
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_iris(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y)


class Iris(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3), nn.Softmax(dim=1))

    def forward(self, x):
        return self.net(x)


model = Iris()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
criterion = nn.CrossEntropyLoss()
for step in range(300):
    idx = torch.randint(0, 150, (30,))
    optimizer.zero_grad()
    loss = criterion(model(X[idx]), y[idx])
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
