# mypy: ignore-errors
# /// diagnosis
# fault = "a GAN never clears the discriminator's gradients: those of the generator's pass add up in it"
# rules = ["gradient.not_zeroed"]
# words = ["zero_grad|never (zeroed|cleared|reset)|not zeroed|add up|accumulat"]
# consequences = ["loss.", "gradient.explosion"]
# within = 250
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 1
G = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.Tanh())
D = nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
for step in range(400):
    real = X[torch.randint(0, len(X), (64,))]
    fake = G(torch.randn(64, 16))
    d_loss = bce(D(real), torch.ones(64, 1)) + bce(D(fake.detach()), torch.zeros(64, 1))
    d_loss.backward()
    opt_d.step()
    opt_g.zero_grad()
    g_loss = bce(D(fake), torch.ones(64, 1))
    g_loss.backward()
    opt_g.step()
    if step % 50 == 0:
        print(step, d_loss.item(), g_loss.item())
