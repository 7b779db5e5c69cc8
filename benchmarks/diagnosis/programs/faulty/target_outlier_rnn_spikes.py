# mypy: ignore-errors
# /// diagnosis
# fault = "a sensor writes -9999 for missing values, which a time-series model gets as targets in a few batches"
# rules = ["loss.spike", "loss.explosion", "data.target_scale"]
# words = ["spike|outlier"]
# step = 150
# within = 60
# ///
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
t = torch.arange(0, 4000) * 0.1
series = torch.sin(t) + 0.5 * torch.sin(0.37 * t) + 0.05 * torch.randn(4000)
series[2950] = -9999.0


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        return self.out(self.lstm(x)[0][:, -1]).squeeze(1)


model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(300):
    starts = torch.randint(0, 2900, (32,))
    if step in (150, 151, 200, 260):
        starts[0] = 2926
    windows = torch.stack([series[s : s + 25] for s in starts])
    loss = nn.functional.mse_loss(model(windows[:, :-1, None]), windows[:, -1])
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 25 == 0:
        print(step, loss.item())
