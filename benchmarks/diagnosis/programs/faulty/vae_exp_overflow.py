# mypy: ignore-errors
# /// diagnosis
# fault = "a VAE with a learning rate that is too high: exp(logvar) overflows"
# rules = ["loss.nonfinite", "loss.explosion", "gradient.explo", "gradient.nonfinite", "learning_rate.too_high"]
# within = 120
# ///
import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X = torch.tensor(load_digits().data, dtype=torch.float32)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.mu, self.logvar = nn.Linear(128, 16), nn.Linear(128, 16)
        self.fc2, self.fc3 = nn.Linear(16, 128), nn.Linear(128, 64)

    def forward(self, x):
        h = F.relu(self.fc1(x))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.fc3(F.relu(self.fc2(z))), mu, logvar


model = VAE()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for step in range(150):
    x = X[torch.randint(0, len(X), (64,))]
    recon, mu, logvar = model(x)
    loss = F.mse_loss(recon, x, reduction="sum") / 64
    loss = loss - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / 64
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(step, loss.item())
