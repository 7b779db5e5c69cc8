# mypy: ignore-errors
# /// diagnosis
# fault = "raw features in the hundreds drive the tanh units into saturation"
# rules = ["activation.saturated", "data.unnormalised_input"]
# words = ["saturat|normali[sz]|scale"]
# within = 200
# ///
import argparse

import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_wine(return_X_y=True)
data = TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y))
model = nn.Sequential(nn.Linear(13, 50), nn.Tanh(), nn.Linear(50, 50), nn.Tanh(), nn.Linear(50, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(30):
    for xb, yb in DataLoader(data, batch_size=16, shuffle=True):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
