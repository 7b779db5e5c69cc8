# mypy: ignore-errors
# /// diagnosis
# fault = "the log-likelihood of a Gaussian is minimised: the minus sign is missing"
# rules = ["loss.unbounded", "loss.maximised"]
# words = ["sign|bound|maximis"]
# consequences = ["loss.nonfinite", "gradient.nonfinite", "gradient.explosion"]
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

model = nn.Sequential(nn.Linear(5, 48), nn.Tanh(), nn.Linear(48, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(400):
    x = torch.randn(128, 5)
    y = x[:, 0] * 2 + 0.3 * torch.randn(128)
    mean, log_std = model(x).unbind(1)
    loss = torch.distributions.Normal(mean, log_std.clamp(-5, 3).exp()).log_prob(y).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
