"""A mean of no elements is NaN: it is named, and not what stands before it; other means are left alone."""

import math

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812


def train(loss_of, *, bad_step=3, steps=5):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    for step in range(steps):
        optimizer.zero_grad()
        loss_of(net, step == bad_step).backward()
        optimizer.step()


def some(bad):
    return torch.zeros(8, dtype=torch.bool) if bad else torch.ones(8, dtype=torch.bool)


@pytest.mark.parametrize(
    "loss_of",
    [
        pytest.param(lambda net, bad: net(torch.randn(0 if bad else 8, 4)).square().mean(), id="empty batch"),
        pytest.param(lambda net, bad: (net(torch.randn(8, 4)) ** 2)[some(bad)].mean(), id="empty selection"),
        pytest.param(lambda net, bad: net(torch.randn(8, 4)).exp()[some(bad)].mean(-2).sum(), id="along a dimension"),
        pytest.param(
            lambda net, bad: (
                net(torch.randn(8, 4)).square().mean()
                + F.mse_loss(net(torch.randn(8, 4))[some(bad)], torch.zeros(8, 2)[some(bad)])
            ),
            id="one term of the loss",
        ),
        pytest.param(
            lambda net, bad: F.smooth_l1_loss(net(torch.randn(8, 4))[some(bad)], torch.zeros(8, 2)[some(bad)]),
            id="smooth L1",
        ),
    ],
)
def test_a_mean_of_nothing_is_named(watched, loss_of):
    train(loss_of)

    finding, where = watched.found[0]
    assert (finding.rule, where["step"], finding.evidence["operation"]) == ("loss.nonfinite", 3, "Mean")
    assert finding.cause == "The mean of nothing is NaN: a selection was empty."


@pytest.mark.parametrize(
    ("loss_of", "operation"),
    [
        pytest.param(
            lambda net, bad: (net(torch.randn(8, 4)) - (9 if bad else -9)).sqrt().mean(), "Sqrt", id="a mean of NaN"
        ),
        pytest.param(
            lambda net, bad: (
                net(torch.randn(0, 4)).mean(1).sum() + (net(torch.randn(8, 4)) - (9 if bad else -9)).sqrt().sum()
            ),
            "Sqrt",
            id="an empty mean that is no number",
        ),
        pytest.param(
            lambda net, bad: (
                F.mse_loss(net(torch.randn(0, 4)), torch.zeros(0, 2), reduction="sum")
                + (net(torch.randn(8, 4)) - (9 if bad else -9)).log().sum()
            ),
            "Log",
            id="a sum of nothing",
        ),
    ],
)
def test_other_operations_are_not_taken_for_it(watched, loss_of, operation):
    train(loss_of)

    finding, where = watched.found[0]
    assert (finding.rule, where["step"], finding.evidence["operation"]) == ("loss.nonfinite", 3, operation)


def test_means_of_nothing_that_are_left_out_are_no_trouble(watched):
    train(lambda net, _: net(torch.randn(8, 4)).square().mean() + torch.nan_to_num(torch.zeros(0).mean()))

    assert all(math.isfinite(step.loss) for step in watched.steps)
    assert watched.found == []
