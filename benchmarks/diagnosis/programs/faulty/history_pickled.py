# mypy: ignore-errors
# /// diagnosis
# fault = "the history of all predictions is pickled and compressed every 40 steps: half of the time goes there"
# rules = ["timing.checkpoints", "timing.spikes"]
# words = ["writ|pickle|gzip", "time"]
# within = 1000
# ///
import argparse
import gzip
import os
import pickle
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y)


class History:
    """Remembers what the model said, for a notebook that looks at hard samples."""

    def __init__(self, path):
        self.path, self.rows = path, []

    def add(self, step, indices, logits):
        probabilities = logits.detach().softmax(1).tolist()
        self.rows.append({"step": step, "samples": indices.tolist(), "probabilities": probabilities})

    def write(self):
        with gzip.open(self.path, "wb") as file:
            pickle.dump(self.rows, file)


model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
with tempfile.TemporaryDirectory() as directory:
    history = History(os.path.join(directory, "history.pkl.gz"))
    for step in range(400):
        idx = torch.randint(0, len(X), (64,))
        logits = model(X[idx])
        loss = nn.functional.cross_entropy(logits, y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.add(step, idx[:16], logits[:16])
        if step % 40 == 39:
            history.write()
            print(step, loss.item())
