# mypy: ignore-errors
# /// diagnosis
# fault = "a learning rate of 5 in the first epoch of a convolutional network kills its ReLUs"
# rules = ["activation.dead", "learning_rate.too_high", "loss.explosion", "gradient.explo", "loss.spike"]
# words = ["dead (unit|relu)|learning rate"]
# consequences = ["loss.plateau", "gradient.vanish"]
# within = 250
# ///
import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X = torch.tensor(X, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
loader = DataLoader(TensorDataset(X, torch.tensor(y)), batch_size=64, shuffle=True)


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 4 * 4, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


model = ConvNet()
optimizer = torch.optim.SGD(model.parameters(), lr=5.0)
for epoch in range(10):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
