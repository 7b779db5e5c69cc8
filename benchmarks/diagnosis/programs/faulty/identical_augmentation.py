# mypy: ignore-errors
# /// diagnosis
# fault = "the generator of the augmentation is copied into every worker: their batches are the same"
# rules = ["data.repeated"]
# words = ["same|identical|repeat|duplicat", "batch|sample|worker|augment"]
# within = 200
# ///
import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Synthetic(Dataset):
    """Draws shapes at random: circles and squares on a noisy ground."""

    def __init__(self, n=640):
        self.n = n
        self.rng = np.random.default_rng(args.seed)
        self.yy, self.xx = np.mgrid[:12, :12]

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        cx, cy = self.rng.uniform(4, 8, 2)
        label = int(self.rng.integers(2))
        if label:
            shape = (self.xx - cx) ** 2 + (self.yy - cy) ** 2 < 9
        else:
            shape = (abs(self.xx - cx) < 3) & (abs(self.yy - cy) < 3)
        image = shape + self.rng.normal(0, 0.3, shape.shape)
        return torch.tensor(image, dtype=torch.float32)[None], label


if __name__ == "__main__":
    loader = DataLoader(Synthetic(), batch_size=16, num_workers=2, multiprocessing_context="fork")
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(512, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(6):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
