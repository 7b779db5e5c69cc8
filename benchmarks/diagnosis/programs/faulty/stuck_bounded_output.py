# mypy: ignore-errors
# /// diagnosis
# fault = "the output passes a tanh while targets are between 25 and 350: the loss gets stuck far from any solution"
# rules = ["loss.plateau", "activation.saturated", "loss.output_range", "loss.target_range", "data.target_scale"]
# words = ["plateau|satur|bounded|out of range|cannot reach"]
# within = 400
# ///
import argparse

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_diabetes(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)
data = TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).unsqueeze(1))
model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1), nn.Tanh())
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(40):
    for xb, yb in DataLoader(data, batch_size=32, shuffle=True):
        loss = nn.functional.mse_loss(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
