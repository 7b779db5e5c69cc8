# mypy: ignore-errors
# /// diagnosis
# fault = "a hook puts the network inside of the model into evaluation mode at each batch: dropout never acts"
# rules = ["training.eval_mode"]
# words = ["evaluation mode"]
# ///
import argparse

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Module(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(16, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 3))

    def begin_batch(self):
        self.net.eval()

    def forward(self, x):
        return self.net(x)


model = Module()
model.train()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for _ in range(100):
    model.begin_batch()
    inputs = torch.randn(32, 16)
    loss = F.cross_entropy(model(inputs), inputs[:, :3].argmax(1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
