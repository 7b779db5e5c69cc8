# mypy: ignore-errors
# /// diagnosis
# fault = "the encoder's output is detached: the encoder is in the optimizer and gets no gradients"
# rules = ["parameter.detached", "parameter.never_changes"]
# words = ["detach|no gradient|without (a )?gradient|never (chang|updat|receiv|get)|None"]
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
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32).reshape(-1, 8, 8) / 16, torch.tensor(y)


class RowClassifier(nn.Module):
    """Reads the rows of an image one after the other."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 48, batch_first=True)
        self.head = nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 10))

    def forward(self, x):
        states, _ = self.lstm(x)
        last = states[:, -1].detach()  # left over from looking at the features
        return self.head(last)


model = RowClassifier()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(300):
    idx = torch.randint(0, len(X), (64,))
    loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
