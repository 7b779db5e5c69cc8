# mypy: ignore-errors
# /// diagnosis
# fault = "the expert of each sample is chosen by argmax and not weighted by its probability: the router never learns"
# rules = ["parameter.detached"]
# words = ["router", "argmax|cut off|never get"]
# within = 100
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
data = TensorDataset(torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y))


class Experts(nn.Module):
    """Gives each sample to one of several small networks."""

    def __init__(self, width, experts):
        super().__init__()
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 64), nn.GELU(), nn.Linear(64, width)) for _ in range(experts)
        )
        self.router = nn.Linear(width, experts)

    def forward(self, x):
        chosen = self.router(x).softmax(-1).argmax(-1)
        outputs = torch.stack([expert(x) for expert in self.experts], 1)
        return outputs[torch.arange(len(x)), chosen]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(64, 48)
        self.mixture = Experts(48, 4)
        self.norm = nn.LayerNorm(48)
        self.head = nn.Linear(48, 10)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        return self.head(self.norm(x + self.mixture(x)))


model = Net()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
loader = DataLoader(data, batch_size=64, shuffle=True)
for epoch in range(12):
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
