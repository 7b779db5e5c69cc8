# mypy: ignore-errors
# /// diagnosis
# fault = "the generator minimises log(1 - D(G(z))), and all it makes is rejected: no gradient is left"
# rules = ["gradient.starved", "gradient.vanish"]
# words = ["starve|no gradient|saturat"]
# within = 1500
# ///
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
images = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 1
G = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.Tanh())
D = nn.Sequential(
    nn.Linear(64, 256),
    nn.LeakyReLU(0.2),
    nn.Linear(256, 256),
    nn.LeakyReLU(0.2),
    nn.Linear(256, 1),
    nn.Sigmoid(),
)
opt_g = torch.optim.Adam(G.parameters(), lr=5e-5)
opt_d = torch.optim.Adam(D.parameters(), lr=2e-3)
bce = nn.BCELoss()
for step in range(400):
    for _ in range(3):
        real = images[torch.randint(0, len(images), (64,))]
        fake = G(torch.randn(64, 16)).detach()
        d_loss = bce(D(real), torch.ones(64, 1)) + bce(D(fake), torch.zeros(64, 1))
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()
    g_loss = torch.log(1 - D(G(torch.randn(64, 16))) + 1e-8).mean()
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    if step % 50 == 0:
        print(step, d_loss.item(), g_loss.item())
