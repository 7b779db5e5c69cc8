"""A training run that has everything the dashboards show, a GPU's own clock aside.

It trains until the file named on the command line appears: a plain loop with a gradient scaler and evaluation passes,
two watched functions of which one fails now and then, a weight that is NaN for some steps, GPUs whose driver answers
from a recording, and something of ours that fails.
"""

import contextlib
import copy
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import otel_mldebug
from otel_mldebug import _guard
from tests.instrument.resources import nvml_recorded

DEADLINE_S = 240


@otel_mldebug.trace
def prepare(images: torch.Tensor) -> torch.Tensor:
    """Return the images with mean 0."""
    return images - images.mean()


@otel_mldebug.trace
def lookup(number: int) -> str:
    """Return a name; one number in twenty has none."""
    return [f"number {n}" for n in range(19)][number % 20]


def evaluate(model: nn.Module, data: TensorDataset) -> None:
    """Pass over the data without training."""
    model.eval()
    with torch.no_grad():
        for images, labels in DataLoader(data, batch_size=256):
            nn.functional.cross_entropy(model(images), labels)
    model.train()


def main(stop: Path) -> None:
    nvml_recorded.install()
    otel_mldebug.configure()
    with _guard.guard("show a fault of ours"):
        raise RuntimeError("planted")
    torch.manual_seed(7)
    data = TensorDataset(torch.randn(512, 16), torch.randint(0, 4, (512,)))
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu")
    otel_mldebug.watch(model)
    good = copy.deepcopy(model.state_dict())
    end = time.monotonic() + DEADLINE_S
    number = 0
    while not stop.exists() and time.monotonic() < end:
        for images, labels in DataLoader(data, batch_size=64):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(prepare(images)), labels)
            otel_mldebug.track_loss(loss.item(), name="cross_entropy")
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            number += 1
            if number == 60:
                model[2].weight.data[1, 2] = float("nan")
            if number == 100:  # who looks first by now sees numbers all the same
                model.load_state_dict(good)
            with contextlib.suppress(IndexError):
                lookup(number)
            time.sleep(0.02)
        evaluate(model, data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
