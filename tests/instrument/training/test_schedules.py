"""Schedules of PyTorch that are advanced with each update, and with each pass over the data."""

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch.nn import functional as F  # noqa: E402, N812
from torch.optim import lr_scheduler  # noqa: E402

from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.steps.needs import aim  # noqa: E402
from tests.instrument.training.programs import batches, blobs, mlp  # noqa: E402

PER_PASS, PASSES = 24, 6


def train(schedule: Callable[[Any], Any], *, each_update: bool) -> None:
    """Train a small classifier for some passes."""
    net = mlp(8, 32, 3)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-2)
    scheduler = schedule(optimizer)
    for step, (x, y) in enumerate(batches(blobs(512), PER_PASS * PASSES, 16)):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
        if each_update or step % PER_PASS == PER_PASS - 1:
            scheduler.step()


def warm_up(updates: int) -> Callable[[Any], Any]:
    return lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda n: min(1.0, (n + 1) / updates))


def one_cycle(optimizer: Any) -> Any:
    return lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=PER_PASS * PASSES, div_factor=100)


@pytest.mark.parametrize(
    ("schedule", "each_update", "found"),
    [
        pytest.param(warm_up(80), False, True, id="a warm-up of updates, once a pass"),
        pytest.param(one_cycle, False, True, id="one cycle, once a pass"),
        pytest.param(warm_up(80), True, False, id="a warm-up of updates, with each"),
        pytest.param(warm_up(2000), True, False, id="a run that ends in a long warm-up"),
        pytest.param(one_cycle, True, False, id="one cycle, with each update"),
        pytest.param(warm_up(8), False, False, id="a warm-up of passes"),
        pytest.param(lambda optimizer: lr_scheduler.StepLR(optimizer, 2), False, False, id="a decay by passes"),
    ],
)
def test_a_schedule_of_updates_that_is_advanced_once_a_pass_is_told_at_the_end(seen, schedule, each_update, found):
    pytorch.install(torch)
    try:
        train(schedule, each_update=each_update)
    finally:
        pytorch.uninstall()

    rules = [finding.rule for finding, _ in seen.found if finding.rule.startswith("learning_rate.")]
    assert rules == (["learning_rate.warmup"] if found else [])


def made(schedule: Callable[[Any], Any] | None) -> Any:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-2)
    if schedule is not None:
        schedule(optimizer)
    return optimizer


def test_what_a_schedule_aims_for_is_noted_with_the_optimizer():
    assert aim(made(one_cycle)) == 1e-2
    assert aim(made(warm_up(80))) == 1e-2
    assert aim(made(None)) is None
