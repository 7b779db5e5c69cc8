# mypy: ignore-errors
# /// diagnosis
# fault = "the data set's own NumPy generator is copied to both workers: the same shifts and noise in each"
# rules = ["data.same_augmentation", "data.repeated"]
# words = ["workers"]
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


class Waves(Dataset):
    def __init__(self):
        self.rng = np.random.default_rng(args.seed)

    def __len__(self):
        return 512

    def __getitem__(self, index):
        label = index % 3
        shift, noise = self.rng.uniform(0, 2 * np.pi), self.rng.normal(0, 0.2, 64)
        wave = np.sin((label + 1) * np.linspace(0, 6.28, 64) + shift) + noise
        return torch.tensor(wave, dtype=torch.float32), label


def main():
    loader = DataLoader(Waves(), batch_size=16, num_workers=2)
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(5):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


if __name__ == "__main__":
    main()
