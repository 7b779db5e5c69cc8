# mypy: ignore-errors
import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X = torch.tensor(load_digits().data, dtype=torch.float32) / 16


class VQVAE(nn.Module):
    def __init__(self, codes=32, dim=8):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4 * dim))
        self.decoder = nn.Sequential(nn.Linear(4 * dim, 64), nn.ReLU(), nn.Linear(64, 64))
        self.codebook = nn.Embedding(codes, dim)
        nn.init.uniform_(self.codebook.weight, -1 / codes, 1 / codes)
        self.dim = dim

    def forward(self, x):
        z = self.encoder(x).view(-1, self.dim)
        nearest = torch.cdist(z, self.codebook.weight).argmin(1)
        q = self.codebook(nearest)
        commitment = F.mse_loss(z, q.detach()) * 0.25 + F.mse_loss(q, z.detach())
        q = z + (q - z).detach()  # straight through
        return self.decoder(q.view(len(x), -1)), commitment


model = VQVAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(400):
    x = X[torch.randint(0, len(X), (64,))]
    recon, commitment = model(x)
    loss = F.mse_loss(recon, x) + commitment
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
