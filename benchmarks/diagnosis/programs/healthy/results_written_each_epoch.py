# mypy: ignore-errors
import argparse
import gzip
import json
import os
import pickle
import tempfile

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)
order = torch.randperm(len(X))
train, held_out = order[:1500], order[1500:]
loader = DataLoader(TensorDataset(X[train], y[train]), batch_size=32, shuffle=True)
model = nn.Sequential(
    nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)
)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)


def write(directory, epoch, log):
    """Everything that is needed to go on, and what the paper's figures are drawn from."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state()}
    with open(os.path.join(directory, f"epoch{epoch}.pkl"), "wb") as file:
        pickle.dump(state, file)
    with torch.no_grad():
        features = model[:4](X).numpy()
    np.savez_compressed(os.path.join(directory, f"features{epoch}.npz"), features=features)
    with gzip.open(os.path.join(directory, "log.json.gz"), "wt") as file:
        json.dump(log, file)


log = []
with tempfile.TemporaryDirectory() as directory:
    for epoch in range(12):
        model.train()
        for xb, yb in loader:
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            log.append(loss.item())
        model.eval()
        with torch.no_grad():
            right = (model(X[held_out]).argmax(1) == y[held_out]).float().mean().item()
        write(directory, epoch, log)
        print(epoch, loss.item(), right)
