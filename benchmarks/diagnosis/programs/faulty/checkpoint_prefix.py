# mypy: ignore-errors
# /// diagnosis
# fault = "the checkpoint was saved from a wrapper (module.), and strict=False hides that nothing is loaded"
# rules = ["checkpoint.nothing_loaded"]
# words = ["load_state_dict", "nothing"]
# step = 150
# within = 10
# ///
import argparse
import io

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
W = torch.randn(4, 3)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(4, 32, 5, padding=2)
        self.conv2 = nn.Conv1d(32, 32, 5, padding=2)
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        return self.head(F.relu(self.conv2(F.relu(self.conv1(x)))).mean(-1))


class Wrapper(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x)


def train(model, optimizer):
    for step in range(150):
        x = torch.randn(32, 4, 40) + torch.randn(32, 4, 1)
        loss = F.cross_entropy(model(x), (x.mean(-1) @ W).argmax(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 30 == 0:
            print(step, loss.item())


wrapped = Wrapper(Encoder())
train(wrapped, torch.optim.Adam(wrapped.parameters(), lr=3e-3))
checkpoint = io.BytesIO()
torch.save(wrapped.state_dict(), checkpoint)
checkpoint.seek(0)

model = Encoder()
model.load_state_dict(torch.load(checkpoint), strict=False)
train(model, torch.optim.Adam(model.parameters(), lr=1e-3))
