# mypy: ignore-errors
import argparse

import torch
from sklearn.datasets import load_wine
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_wine(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y)
model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 8))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.TripletMarginLoss(margin=1.0)
groups = [torch.nonzero(y == c).squeeze(1) for c in range(3)]
for step in range(400):  # most triplets are solved in the end: the loss comes down to zero for many batches
    c = torch.randint(0, 3, (32,))
    other = (c + torch.randint(1, 3, (32,))) % 3
    anchor = torch.stack([X[groups[k][torch.randint(len(groups[k]), (1,))]][0] for k in c])
    positive = torch.stack([X[groups[k][torch.randint(len(groups[k]), (1,))]][0] for k in c])
    negative = torch.stack([X[groups[k][torch.randint(len(groups[k]), (1,))]][0] for k in other])
    loss = criterion(model(anchor), model(positive), model(negative))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
