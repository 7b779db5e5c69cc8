# mypy: ignore-errors
# /// diagnosis
# fault = "a VAE's trainer clears the gradients of the scheduler's copy once before the loop, and never again"
# rules = ["gradient.not_zeroed"]
# words = ["zero_grad|never (zeroed|cleared|reset)|not zeroed|add up|accumulat"]
# consequences = ["loss.", "gradient.explosion"]
# within = 200
# ///
import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X = torch.tensor(load_digits().data, dtype=torch.float32) / 16


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(64, 48)
        self.mu, self.logvar = nn.Linear(48, 6), nn.Linear(48, 6)
        self.dec1, self.dec2 = nn.Linear(6, 48), nn.Linear(48, 64)

    def forward(self, x):
        h = F.relu(self.enc(x))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return self.dec2(F.relu(self.dec1(z))), mu, logvar


class Trainer:
    def __init__(self, model):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        self.loader = DataLoader(TensorDataset(X), batch_size=64, shuffle=True)

    def step(self, x):
        recon, mu, logvar = self.model(x)
        bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum") / len(x)
        kld = -0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp()) / len(x)
        loss = bce + kld
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def fit(self, epochs):
        self.optimizer.zero_grad()
        for epoch in range(epochs):
            losses = [self.step(x) for (x,) in self.loader]
            print(epoch, sum(losses) / len(losses))


Trainer(VAE()).fit(12)
