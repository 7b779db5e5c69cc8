# mypy: ignore-errors
# /// diagnosis
# fault = "the factor of the warm-up is not capped, so the rate rises until the loss climbs up again"
# rules = ["loss.explosion", "learning_rate.too_high", "loss.nonfinite", "activation.dead"]
# words = ["grown|diverge|explo|overflow|infinite|nan|dead", "learning rate|loss|units"]
# consequences = ["gradient.explosion", "loss.spike", "loss.oscillation", "gradient.vanished"]
# within = 900
# ///
import argparse

import torch
from sklearn.datasets import load_diabetes
from torch import nn


class WarmUp(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, steps):
        self.steps = steps
        super().__init__(optimizer)

    def get_lr(self):
        return [base * (self.last_epoch + 1) / self.steps for base in self.base_lrs]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    torch.manual_seed(parser.parse_args().seed)
    X, y = load_diabetes(return_X_y=True)
    X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
    y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)[:, None]
    X = torch.cat([X + 0.1 * torch.randn_like(X) for _ in range(8)])
    y = y.repeat(8, 1)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), batch_size=64, shuffle=True)
    net = nn.Sequential(nn.Linear(10, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    warm_up = WarmUp(optimizer, steps=25)
    for epoch in range(24):
        total = 0.0
        for features, target in loader:
            loss = nn.functional.mse_loss(net(features), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            warm_up.step()
            total += loss.item()
        print(epoch, total / len(loader), optimizer.param_groups[0]["lr"])


main()
