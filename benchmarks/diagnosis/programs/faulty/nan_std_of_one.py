# mypy: ignore-errors
# /// diagnosis
# fault = "features are standardised per batch, and the last batch of an epoch has a single sample (std is NaN)"
# rules = ["loss.nonfinite", "gradient.nonfinite"]
# words = ["nan|non-finite|not finite", "input|batch|std|operation|forward|data"]
# step = 71
# within = 20
# ///
import argparse

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_breast_cancer(return_X_y=True)
data = TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))
loader = DataLoader(data, batch_size=8, shuffle=True)  # 569 = 71 * 8 + 1


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        x = (x - x.mean(0)) / (x.std(0) + 1e-6)
        return self.layers(x).squeeze(1)


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
criterion = nn.BCEWithLogitsLoss()
seen = 0
for epoch in range(4):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        seen += 1
    print(epoch, seen, loss.item())
