# mypy: ignore-errors
# /// diagnosis
# fault = "each batch is rendered, sample by sample, in the training loop, while the model waits"
# rules = ["data.input_bound"]
# words = ["before the model is called|waiting for data|input"]
# within = 300
# ///
import argparse

import numpy as np
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
random = np.random.default_rng(args.seed)
SIZE = 20
rows, columns = np.mgrid[0:SIZE, 0:SIZE]


def render(kind):
    """Return an image of a disc, a ring or a cross somewhere, with noise."""
    y, x = random.uniform(6, SIZE - 6, 2)
    distance = np.hypot(rows - y, columns - x)
    if kind == 0:
        image = distance < 4
    elif kind == 1:
        image = (distance > 2.5) & (distance < 4.5)
    else:
        image = (np.abs(rows - y) < 1) | (np.abs(columns - x) < 1)
    image = image.astype(np.float32)
    for _ in range(12):  # a soft light from all sides
        image = (
            image + np.roll(image, 1, 0) + np.roll(image, -1, 0) + np.roll(image, 1, 1) + np.roll(image, -1, 1)
        ) / 5
    return image * 3 + random.normal(0, 0.1, image.shape).astype(np.float32)


def batch(size):
    kinds = random.integers(0, 3, size)
    return torch.tensor(np.stack([render(kind) for kind in kinds])[:, None], dtype=torch.float32), torch.tensor(kinds)


model = nn.Sequential(
    nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3)
)
model(torch.zeros(1, 1, SIZE, SIZE))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(250):
    x, y = batch(64)
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
