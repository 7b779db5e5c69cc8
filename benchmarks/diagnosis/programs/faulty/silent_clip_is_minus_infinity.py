# mypy: ignore-errors
# /// diagnosis
# fault = "the logarithm of a silent clip's spectrum: minus infinity goes into a GRU"
# rules = ["loss.nonfinite", "gradient.nonfinite"]
# words = ["input"]
# step = 60
# ///
import argparse

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.recurrent, self.head = nn.GRU(33, 32, batch_first=True), nn.Linear(32, 4)

    def forward(self, x):
        return self.head(self.recurrent(x)[0].mean(1))


labels = torch.randint(0, 4, (1600,))
sound = torch.sin(0.08 * (labels[:, None] + 1) * torch.arange(512)) + 0.3 * torch.randn(1600, 512)
sound[60 * 16 + 5] = 0
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for begin in range(0, 1600, 16):
    clips = sound[begin : begin + 16]
    power = torch.stft(clips, 64, 32, window=torch.hann_window(64), return_complex=True).abs().square()
    loss = F.cross_entropy(model(power.log().transpose(1, 2)), labels[begin : begin + 16])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
