# mypy: ignore-errors
# /// diagnosis
# fault = "pixels from 0 to 255 go into a convolutional network without scaling"
# rules = ["data.unnormalised_input"]
# words = ["normali[sz]|standardi[sz]|scaled? (to|by|down)", "input|pixel|image"]
# consequences = ["loss.", "gradient.", "activation.dead"]
# within = 150
# ///
import argparse

import numpy as np
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
images = np.clip(X * 16, 0, 255).astype(np.uint8).reshape(-1, 1, 8, 8)  # as a camera delivers them
data = TensorDataset(torch.from_numpy(images).float(), torch.tensor(y))
loader = DataLoader(data, batch_size=64, shuffle=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.fc1 = nn.Linear(16 * 9, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
for epoch in range(10):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
