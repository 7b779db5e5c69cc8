# mypy: ignore-errors
# /// diagnosis
# fault = "F.dropout without training=self.training: it stays active in evaluation"
# rules = ["evaluation."]
# words = ["[Dd]ropout", "evaluation"]
# step = 44
# ///
import argparse

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(16, 64), nn.Linear(64, 3)

    def forward(self, x):
        return self.last(F.dropout(F.relu(self.first(x)), 0.5))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
inputs = torch.randn(1400, 16)
labels = inputs[:, :3].argmax(1)
for _ in range(4):
    model.train()
    for batch in torch.randperm(1400).split(32):
        loss = F.cross_entropy(model(inputs[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print((model(inputs).argmax(1) == labels).float().mean().item())
