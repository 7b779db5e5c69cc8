# mypy: ignore-errors
# /// diagnosis
# fault = "validation runs in training mode: batch-norm uses and updates the statistics of validation batches"
# rules = ["evaluation.training_mode", "evaluation.train_mode", "evaluation.batch"]
# words = ["batch.?norm|train(ing)? mode|eval\\(\\)", "evaluat|validat"]
# within = 400
# ///
import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(X, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16, torch.tensor(y))
train_loader = DataLoader(Subset(data, range(1400)), batch_size=64, shuffle=True)
test_loader = DataLoader(Subset(data, range(1400, len(data))), batch_size=64)


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.conv2, self.bn2 = nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.fc(x.mean((2, 3)))


def train(model, optimizer):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    return loss.item()


def test(model):
    loss = 0.0
    with torch.inference_mode():
        for xb, yb in test_loader:
            loss += F.cross_entropy(model(xb), yb, reduction="sum").item()
    return loss / 397


model = CNN()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(10):
    print(epoch, train(model, optimizer), test(model))
