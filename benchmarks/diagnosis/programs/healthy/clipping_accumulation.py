# mypy: ignore-errors
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(X, dtype=torch.float32).reshape(-1, 8, 8) / 16, torch.tensor(y))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(8, 48, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(96)
        self.fc = nn.Linear(96, 10)

    def forward(self, x):
        return self.fc(self.norm(self.gru(x)[0].mean(1)))


model = Net()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
ACCUMULATE = 4
for epoch in range(10):
    optimizer.zero_grad()
    for i, (xb, yb) in enumerate(DataLoader(data, batch_size=16, shuffle=True)):
        loss = nn.functional.cross_entropy(model(xb), yb) / ACCUMULATE
        loss.backward()
        if (i + 1) % ACCUMULATE == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad()
    print(epoch, loss.item() * ACCUMULATE)
