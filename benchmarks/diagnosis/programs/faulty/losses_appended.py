# mypy: ignore-errors
# /// diagnosis
# fault = "losses and predictions are appended to lists without detaching them: activations stay in memory"
# rules = ["memory."]
# words = ["memory|graph", "grow|retain|kept|alive|leak"]
# within = 400
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
loader = DataLoader(TensorDataset(X, torch.tensor(y)), batch_size=64, shuffle=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 64, 10)

    def forward(self, x):
        features = torch.relu(self.conv2(torch.relu(self.conv1(x))))
        return self.fc(features.flatten(1)), features


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
history, embeddings = [], []
for epoch in range(8):
    for xb, yb in loader:
        optimizer.zero_grad()
        out, features = model(xb)
        loss = nn.functional.cross_entropy(out, yb) + 1e-4 * features.square().mean()
        loss.backward()
        optimizer.step()
        history.append(loss)
        embeddings.append((features * 1.0).sum(1))
    print(epoch, len(history), loss.item())
