"""Train a small classifier on scikit-learn's handwritten digits: an ordinary script that knows nothing of otel-mldebug.

`otel-mldebug demo` runs it as it would run yours. `--inject` plants a fault in mid-run, from outside the training loop.
"""

import argparse
from collections.abc import Iterable, Iterator

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset, random_split

FAULTS = ("nan", "weight", "lr", "error", "none")
Batch = tuple[Tensor, Tensor]


class Contrast(nn.Module):
    """Scale every feature map to a peak of 1, then by a learned gain. As found in the wild: nothing guards the peak."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps, shape (batch, channels, 8, 8), scaled image by image."""
        peak = maps.abs().amax(dim=(1, 2, 3), keepdim=True)
        return maps / peak * self.gain


class DigitClassifier(nn.Module):
    """Two convolutions and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.edges = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.contrast = Contrast(16)
        self.encoder = nn.Sequential(nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.hidden = nn.Linear(32 * 4 * 4, 64)
        self.head = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return one score for each of the ten digits, shape (batch, 10)."""
        features = self.encoder(self.contrast(self.edges(images))).flatten(1)
        scores: Tensor = self.head(torch.relu(self.hidden(features)))
        return scores


def with_fault(
    batches: Iterable[Batch], fault: str, at: int, model: DigitClassifier, optimizer: torch.optim.Optimizer
) -> Iterator[Batch]:
    """Yield the batches; at number `at` let happen what happens in real life."""
    for number, (images, labels) in enumerate(batches):
        if number == at and fault == "nan":
            images[:3] = 0.0  # three scans came out blank
        elif number == at and fault == "weight":
            model.hidden.weight.data[7, 3] = float("nan")  # a damaged checkpoint, or a flipped bit
        elif number == at and fault == "lr":
            optimizer.param_groups[0]["lr"] *= 1000  # a schedule with a wrong exponent
        elif number == at and fault == "error":
            images = images[..., :7]  # a camera that delivers a column less
        yield images, labels


def endless(loader: Iterable[Batch]) -> Iterator[Batch]:
    """Yield the batches of the data set, again and again."""
    while True:
        yield from loader


def main() -> None:
    """Train, and print how it goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--inject", choices=FAULTS, default="nan")
    args = parser.parse_args()

    torch.manual_seed(7)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    train, test = random_split(TensorDataset(images, torch.tensor(digits.target)), [1437, 360])
    loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True)
    model = DigitClassifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    batches = with_fault(endless(loader), args.inject, args.steps // 2, model, optimizer)

    for step in range(args.steps):
        inputs, labels = next(batches)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        if step % 10 == 9:
            print(f"step {step + 1:4d}/{args.steps}  loss {loss.item():.3f}", flush=True)

    with torch.no_grad():
        inputs, labels = test.dataset[test.indices]
        accuracy = (model(inputs).argmax(1) == labels).float().mean().item()
    print(f"accuracy on {len(test)} unseen digits: {accuracy:.1%}")


if __name__ == "__main__":
    main()
