# mypy: ignore-errors
# /// diagnosis
# fault = "a generator that steps once in five detaches what its mapping network makes, which is never trained"
# rules = ["parameter.detached", "parameter.never_changes"]
# words = ["mapping", "detach|never get|cut"]
# within = 500
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
LATENT, CRITIC_STEPS = 16, 5


class Generator(nn.Module):
    """Styles from a mapping network shift and scale a constant."""

    def __init__(self):
        super().__init__()
        self.mapping = nn.Sequential(nn.Linear(LATENT, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64))
        self.constant = nn.Parameter(torch.randn(64))
        self.style = nn.Linear(64, 128)
        self.out = nn.Sequential(nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.Tanh())

    def forward(self, z):
        w = self.mapping(z).detach()  # the truncation trick took its mean here
        scale, shift = self.style(w).chunk(2, 1)
        return self.out(self.constant * (1 + scale) + shift)


critic = nn.Sequential(nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1))
generator = Generator()
opt_c = torch.optim.RMSprop(critic.parameters(), lr=1e-3)
opt_g = torch.optim.RMSprop(generator.parameters(), lr=1e-3)
for step in range(1000):
    real = images[torch.randint(0, len(images), (64,))]
    fake = generator(torch.randn(64, LATENT)).detach()
    c_loss = critic(fake).mean() - critic(real).mean()
    opt_c.zero_grad()
    c_loss.backward()
    opt_c.step()
    with torch.no_grad():
        for p in critic.parameters():
            p.clamp_(-0.05, 0.05)
    if step % CRITIC_STEPS == CRITIC_STEPS - 1:
        g_loss = -critic(generator(torch.randn(64, LATENT))).mean()
        opt_g.zero_grad()
        g_loss.backward()
        opt_g.step()
    if step % 200 == 199:
        print(step, c_loss.item(), g_loss.item())
