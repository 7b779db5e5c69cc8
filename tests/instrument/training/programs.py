"""What small real programs are made of; they are in `healthy` and `faulty`."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, TensorDataset

Program = Callable[[], None]


def blobs(n: int = 256, classes: int = 3) -> Any:
    """Return points around a few centres, and which one they belong to."""
    y = torch.randint(0, classes, (n,))
    return TensorDataset(torch.randn(n, 8) + 3 * F.one_hot(y, 8).float(), y)


def batches(data: Any, steps: int, size: int = 16) -> Iterator[Any]:
    """Yield `steps` batches of `data`, pass after pass."""
    loader, left = DataLoader(data, batch_size=size, shuffle=True, drop_last=True), steps
    while left:
        for batch in loader:
            if not left:
                return
            left -= 1
            yield batch


def mlp(*widths: int) -> Any:
    """Return linear layers of these widths with ReLU between them."""
    layers: list[Any] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
