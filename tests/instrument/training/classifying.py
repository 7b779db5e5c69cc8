"""A classifier to train in a few lines, well or badly."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.instrument.training.programs import mlp

STEPS = 60


def data(classes: int = 3) -> tuple[Any, Any]:
    y = torch.randint(0, classes, (512,))
    return torch.randn(512, 8) + 3 * F.one_hot(y, 8).float(), y


def train(net: Any, optimizer: Any, *, steps: int = STEPS, classes: int = 3, clear: str = "before") -> None:
    """Train a classifier; gradients are set to zero `before` backward, `after` it, or `never`."""
    x, y = data(classes)
    for _ in range(steps):
        chosen = torch.randint(0, len(x), (32,))
        if clear == "before":
            optimizer.zero_grad()
        F.cross_entropy(net(x[chosen]), y[chosen]).backward()
        if clear == "after":
            optimizer.zero_grad()
        optimizer.step()


def adam(net: Any, rate: float = 1e-3) -> Any:
    return torch.optim.Adam(net.parameters(), rate)


class Halves(nn.Module):
    """A body and a head, with something in between."""

    def __init__(self, between: Any) -> None:
        super().__init__()
        self.body, self.head, self.between = mlp(8, 32, 32), nn.Linear(32, 3), between

    def forward(self, x: Any) -> Any:
        return self.head(self.between(self.body(x)))
