# mypy: ignore-errors
# /// diagnosis
# fault = "the head's group gets a learning rate of 0.3 instead of 3e-3 and throws the loss up"
# rules = ["optimizer.learning_rate", "learning_rate.too_high", "loss.explosion"]
# words = ["learning rate|lr", "head|high|large"]
# within = 60
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(X, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16, torch.tensor(y))


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.head = nn.Linear(512, 10)

    def forward(self, x):
        return self.head(self.body(x))


def groups(model, rate, head_rate):
    return [
        {"params": model.body.parameters(), "lr": rate},
        {"params": model.head.parameters(), "lr": head_rate},
    ]


model = Classifier()
optimizer = torch.optim.AdamW(groups(model, 3e-4, 0.3), weight_decay=0.01)
loader = DataLoader(data, batch_size=64, shuffle=True)
for epoch in range(10):
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
