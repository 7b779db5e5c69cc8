# mypy: ignore-errors
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16, torch.tensor(y)


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten())
        self.fc = nn.Sequential(nn.Linear(1024, 64), nn.ReLU(inplace=True), nn.Linear(64, 1))
        self.sigmoid = nn.Sigmoid()

    def forward(self, a, b):
        return self.sigmoid(self.fc(torch.cat((self.body(a), self.body(b)), 1)))


model = SiameseNetwork()
optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
criterion = nn.BCELoss()
for step in range(300):
    i = torch.randint(0, len(X), (64,))
    same = torch.rand(64) < 0.5
    j = torch.tensor(
        [int(torch.nonzero((y == y[a]) if s else (y != y[a]))[torch.randint(0, 100, (1,))]) for a, s in zip(i, same)]
    )
    optimizer.zero_grad()
    loss = criterion(model(X[i], X[j]).squeeze(1), same.float())
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
