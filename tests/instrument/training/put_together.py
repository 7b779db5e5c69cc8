"""What small programs that are put together in some way are made of."""

from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

STEPS = 24
"""Enough for the looks at the steps 0, 1, 2, 4, 8 and 16."""


def tabular(outputs: int = 3, *last: Any) -> Any:
    """Return a small network for 20 features."""
    return nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, outputs), *last)


def samples() -> Any:
    """Return standardised features, classes, and values of a regression."""
    x = torch.randn(256, 20)
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 0).long(), 2 * x[:, 0] - x[:, 1]


def fit(model: Any, loss: Any, *columns: Any, optimizer: Any = None, shuffle: bool = True, size: int = 16) -> None:
    """Train for `STEPS` steps."""
    data = TensorDataset(*columns) if isinstance(columns[0], torch.Tensor) else columns[0]
    optimizer = optimizer or torch.optim.Adam(model.parameters(), 1e-3)
    left = STEPS
    while left > 0:
        for batch in DataLoader(data, size, shuffle=shuffle):
            optimizer.zero_grad()
            loss(*batch).backward()
            optimizer.step()
            left -= 1
