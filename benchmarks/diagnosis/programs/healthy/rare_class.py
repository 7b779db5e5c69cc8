# mypy: ignore-errors
import argparse

import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

# One sample in fifty is a fraud.
x, y = make_classification(6000, 20, n_informative=6, weights=[0.98], flip_y=0.002, random_state=args.seed)
data = TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y))
model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(3):
    for a, b in DataLoader(data, batch_size=16, shuffle=True):
        loss = nn.functional.cross_entropy(model(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
