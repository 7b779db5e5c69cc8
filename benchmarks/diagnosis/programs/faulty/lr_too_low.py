# mypy: ignore-errors
# /// diagnosis
# fault = "SGD with a learning rate of 1e-7: nothing moves"
# rules = ["learning_rate.too_low", "loss.plateau"]
# words = ["learning rate|update|not (improv|fall|mov)", "low|small|tiny|slow|plateau|stuck|barely"]
# within = 300
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
X = torch.tensor(X, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
train = DataLoader(TensorDataset(X, torch.tensor(y)), batch_size=64, shuffle=True)
model = nn.Sequential(
    nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10)
)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-7, momentum=0.9)
criterion = nn.CrossEntropyLoss()
for epoch in range(15):
    running = 0.0
    for images, labels in train:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        running += loss.item()
    print(f"[{epoch}] loss: {running / len(train):.3f}")
