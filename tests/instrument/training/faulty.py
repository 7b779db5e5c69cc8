"""Small real programs with one fault each, and what must be said of it."""

import math

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader

from tests.instrument.training.programs import Program, batches, blobs, mlp


def too_fast() -> None:
    """A learning rate far too high for a regression: it diverges until it overflows."""
    net = mlp(8, 32, 1)
    opt = torch.optim.SGD(net.parameters(), 1e-3)
    for step, (x, _) in enumerate(batches(blobs(), 80)):
        opt.param_groups[0]["lr"] = 1e-3 if step < 30 else 5.0
        opt.zero_grad()
        F.mse_loss(net(x), x.sum(1, keepdim=True)).backward()
        opt.step()


def slow_divergence() -> None:
    """A linear regression just above its stability limit: the loss grows by a constant factor each step."""
    net = nn.Linear(8, 1)
    x = torch.randn(64, 8)
    y = x.sum(1, keepdim=True)
    limit = 2 / (2 * torch.linalg.eigvalsh(x.t() @ x / 64).max())
    opt = torch.optim.SGD(net.parameters(), 0.1 * limit)
    for step in range(120):
        opt.param_groups[0]["lr"] = float((0.1 if step < 40 else 1.6) * limit)
        opt.zero_grad()
        F.mse_loss(net(x), y).backward()
        opt.step()


def log_of_softmax() -> None:
    """The logarithm of a softmax that has underflown to zero."""
    net = mlp(8, 32, 3)
    opt = torch.optim.SGD(net.parameters(), 0.05)
    for step, (x, y) in enumerate(batches(blobs(), 60)):
        scale = 1.0 if step < 40 else 1e4
        opt.zero_grad()
        F.nll_loss(torch.log(torch.softmax(net(x) * scale, 1)), y).backward()
        opt.step()


def variance_of_one() -> None:
    """A standard deviation of a single value."""
    net = mlp(8, 16, 1)
    opt = torch.optim.SGD(net.parameters(), 1e-3)
    for step, (x, _) in enumerate(batches(blobs(), 40)):
        out = net(x if step < 30 else x[:1])
        opt.zero_grad()
        ((out - out.mean()) / (out.std() + 1e-6)).square().mean().backward()
        opt.step()


def distance_to_itself() -> None:
    """A distance of zero: its root has no derivative there."""
    net = mlp(8, 16, 4)
    opt = torch.optim.SGD(net.parameters(), 1e-2)
    for step, (x, _) in enumerate(batches(blobs(), 40)):
        other = x if step >= 30 else torch.randn_like(x)
        opt.zero_grad()
        (net(x) - net(other)).square().sum(1).sqrt().mean().backward()
        opt.step()


def broken_sample() -> None:
    """One sample of the data set holds NaN."""
    data = blobs(480)
    data.tensors[0][300, 2] = math.nan
    net = mlp(8, 16, 3)
    opt = torch.optim.Adam(net.parameters(), 1e-3)
    for x, y in DataLoader(data, batch_size=16):
        opt.zero_grad()
        F.cross_entropy(net(x), y).backward()
        opt.step()


def divided_by_spread() -> None:
    """Normalisation of a constant column, in the training loop."""
    net = mlp(8, 16, 3)
    opt = torch.optim.Adam(net.parameters(), 1e-3)
    for step, (x, y) in enumerate(batches(blobs(), 40)):
        if step >= 25:
            x[:, 3] = 1.0
        x = (x - x.mean(0)) / x.std(0)
        opt.zero_grad()
        F.cross_entropy(net(x), y).backward()
        opt.step()


def bad_checkpoint() -> None:
    """Weights that are loaded in mid-run hold an infinite value."""
    net = mlp(8, 16, 3)
    opt = torch.optim.Adam(net.parameters(), 1e-3)
    for step, (x, y) in enumerate(batches(blobs(), 40)):
        if step == 22:
            state = net.state_dict()
            state["0.bias"][5] = math.inf
            net.load_state_dict(state)
        opt.zero_grad()
        F.cross_entropy(net(x), y).backward()
        opt.step()


def exponential_rate() -> None:
    """A rate that is predicted as a logarithm and leaves the range of its exponential."""
    net = mlp(8, 16, 1)
    opt = torch.optim.SGD(net.parameters(), 1e-3)
    for step, (x, _) in enumerate(batches(blobs(), 40)):
        opt.zero_grad()
        (net(x) + (0.0 if step < 25 else 200.0)).exp().mean().backward()
        opt.step()


def all_ignored() -> None:
    """A batch in which every target is to be ignored: a mean over nothing."""
    net = mlp(8, 16, 3)
    opt = torch.optim.Adam(net.parameters(), 1e-3)
    for step, (x, y) in enumerate(batches(blobs(), 40)):
        opt.zero_grad()
        F.cross_entropy(net(x), y if step != 28 else torch.full_like(y, -100)).backward()
        opt.step()


def masked_row() -> None:
    """Attention in which one place may look at nothing."""
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    opt = torch.optim.Adam(attention.parameters(), 1e-3)
    for step in range(30):
        x = torch.randn(4, 5, 8)
        mask = torch.zeros(4, 5, dtype=torch.bool)
        mask[2] = step == 20
        opt.zero_grad()
        attention(x, x, x, key_padding_mask=mask)[0].square().mean().backward()
        opt.step()


def zero_epsilon() -> None:
    """Adam without its epsilon, on a parameter whose gradient is zero."""
    net = mlp(8, 16, 3)
    opt = torch.optim.Adam([*net.parameters(), nn.Parameter(torch.zeros(1))], 1e-3, eps=0.0)
    extra = opt.param_groups[0]["params"][-1]
    for step, (x, y) in enumerate(batches(blobs(), 40)):
        opt.zero_grad()
        (F.cross_entropy(net(x), y) + (extra * (0.0 if step < 30 else 1.0)).sum()).backward()
        opt.step()


FAULTY: tuple[tuple[Program, tuple[str, ...], int, str], ...] = (
    # program, rules that are right, step of the fault, kind (empty where there is none)
    (too_fast, ("loss.explosion", "gradient.explosion", "loss.nonfinite", "gradient.nonfinite"), 31, ""),
    (slow_divergence, ("loss.explosion", "gradient.explosion", "learning_rate.too_high"), 45, ""),
    (log_of_softmax, ("loss.nonfinite", "gradient.nonfinite"), 40, ""),
    (variance_of_one, ("loss.nonfinite",), 30, "forward operation"),
    (distance_to_itself, ("gradient.nonfinite",), 30, "backward operation"),
    (broken_sample, ("loss.nonfinite",), 18, "input"),
    (divided_by_spread, ("loss.nonfinite",), 25, "input"),
    (bad_checkpoint, ("loss.nonfinite",), 22, "weight"),
    (exponential_rate, ("loss.nonfinite",), 25, "forward operation"),
    (all_ignored, ("loss.nonfinite",), 28, "forward operation"),
    (masked_row, ("loss.nonfinite",), 20, "forward operation"),
    (zero_epsilon, ("loss.nonfinite",), 1, "weight"),
)
