# mypy: ignore-errors
# /// diagnosis
# fault = "float16 without loss scaling: gradients of a mean over many outputs underflow to zero"
# rules = ["precision.underflow"]
# words = ["underflow|float16|half|zero gradient|vanish"]
# within = 200
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X = torch.tensor(load_digits().data, dtype=torch.float16) / 160


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16), nn.ReLU())
        self.decoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x):
        return self.decoder(self.encoder(x))


model = Autoencoder().half()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for step in range(250):
    xb = X[torch.randint(0, len(X), (256,))]
    loss = ((model(xb) - xb) ** 2).mean() * 1e-2  # the reconstruction is one of several terms
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 25 == 0:
        print(step, loss.item())
