# mypy: ignore-errors
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(X, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16, torch.tensor(y))


def stage(inp, out, stride):
    return nn.Sequential(nn.Conv2d(inp, out, 3, stride, 1), nn.BatchNorm2d(out), nn.ReLU())


class EarlyExits(nn.Module):
    """A network that can stop early; its last exit teaches the others (Zhang et al., 2019)."""

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([stage(1, 16, 1), stage(16, 32, 2), stage(32, 48, 2)])
        self.exits = nn.ModuleList(nn.Linear(width, 10) for width in (16, 32, 48))
        self.probe = nn.Linear(48, 10)  # watches the features and must not change them

    def forward(self, x):
        outputs = []
        for part, leave in zip(self.stages, self.exits):
            x = part(x)
            outputs.append(leave(x.mean((2, 3))))
        return outputs, self.probe(x.mean((2, 3)).detach())

    def loss(self, x, y, temperature=3.0):
        outputs, probed = self(x)
        taught = (outputs[-1].detach() / temperature).softmax(1)
        total = F.cross_entropy(outputs[-1], y) + F.cross_entropy(probed, y)
        for early in outputs[:-1]:
            soft = F.kl_div((early / temperature).log_softmax(1), taught, reduction="batchmean") * temperature**2
            total = total + 0.5 * F.cross_entropy(early, y) + 0.5 * soft
        return total


model = EarlyExits()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
loader = DataLoader(data, batch_size=64, shuffle=True)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
for epoch in range(10):
    for xb, yb in loader:
        loss = model.loss(xb, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item())
