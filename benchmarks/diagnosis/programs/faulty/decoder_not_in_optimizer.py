# mypy: ignore-errors
# /// diagnosis
# fault = "the optimizer got the parameters of the encoder only: the decoder never changes"
# rules = ["parameter.not_in_optimizer", "parameter.never_changes"]
# words = ["not in (the|any) optimizer|no optimizer|never (chang|updat)"]
# within = 150
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X = torch.tensor(load_digits().data, dtype=torch.float32) / 16


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 8))
        self.decoder = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 64), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


model = Autoencoder()
optimizer = torch.optim.Adam(model.encoder.parameters(), lr=1e-3)
for step in range(400):
    xb = X[torch.randint(0, len(X), (64,))]
    loss = nn.functional.mse_loss(model(xb), xb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
