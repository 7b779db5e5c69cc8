# mypy: ignore-errors
# /// diagnosis
# fault = "optimizer.step() is missing: gradients are computed and never used"
# rules = ["parameter.never_changes", "optimizer.never_stepped", "optimizer.no_step", "training.no_step"]
# words = ["never (step|chang|updat|call)|without (a |an )?(optimizer )?step|\\.step\\(\\)"]
# within = 200
# ///
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
loader = DataLoader(
    TensorDataset(torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)), batch_size=64, shuffle=True
)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(10):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
    print(epoch, loss.item())
