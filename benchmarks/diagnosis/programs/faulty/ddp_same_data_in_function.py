# mypy: ignore-errors
# /// diagnosis
# fault = "two ranks, no DistributedSampler and one seed: both train on the same batches, in a function that returns"
# rules = ["distributed.same_batches"]
# words = ["same batches|same data"]
# within = 20
# ranks = 2
# ///
import argparse

import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()


def main():
    dist.init_process_group("gloo")
    torch.manual_seed(args.seed)
    X = torch.randn(1600, 20)
    y = X[:, :5].sum(1, keepdim=True)
    loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
    model = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(4):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(xb), yb)
            loss.backward()
            optimizer.step()
        if dist.get_rank() == 0:
            print(epoch, loss.item())
    dist.destroy_process_group()


main()
