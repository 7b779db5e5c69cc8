"""Gradients that are clipped to next to nothing."""

import pytest

from otel_mldebug.rules.detectors.clipping import blame_clipping, clipped_norm
from otel_mldebug.rules.detectors.curves.speed import rate_too_low as still_loss
from otel_mldebug.rules.detectors.layers.slow import hardly_moved
from otel_mldebug.rules.detectors.layers.updates import rate_too_low as still_weights
from tests.rules.detectors.curves.curve import course
from tests.rules.detectors.layers.building import looks, stats, uniform, weight

NOISE = [1 + 0.1 * ((i * 7) % 5 - 2) for i in range(400)]
LONG = (0, 1, 2, 4, 8, 16, 32, 64, 128, 200, 320)


def clipped(norm=1e-3, n=400, left=1.0, rates=0.1, optimizer="SGD", norms=None):
    """Return a loss that has hardly fallen, and gradients that have one and the same norm."""
    losses = [2.3 * (1 - (1 - left) * i / n) + 0.004 * NOISE[i] for i in range(n)]
    return course(losses, norms or [norm * (1 - 1e-6 * NOISE[i]) for i in range(n)], rates=rates, optimizer=optimizer)


@pytest.mark.parametrize("norm", [1e-6, 2e-3, 0.015, 0.1, 0.25, 0.5])
def test_one_and_the_same_round_norm_is_what_gradients_are_clipped_to(norm):
    assert clipped_norm(clipped(norm)) == pytest.approx(norm)


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(clipped(1.0), id="a usual norm"),
        pytest.param(clipped(optimizer="AdamW"), id="an optimizer that makes up for it"),
        pytest.param(clipped(rates=1e-7), id="a rate that is far too low by itself"),
        pytest.param(clipped(norms=[1e-3 * f for f in NOISE]), id="norms that differ"),
        pytest.param(clipped(0.0437), id="full batches and weights that do not move: the norm is not round"),
        pytest.param(clipped(norms=[None] * 400), id="not known"),
        pytest.param(clipped(norms=[0.0] * 400), id="no gradients"),
    ],
)
def test_other_norms_are_not_those_of_clipping(run):
    assert clipped_norm(run) is None


def test_without_clipping_nothing_is_added():
    assert blame_clipping(None, "cause", ("solution",)) == ("cause", ("solution",))


def held(ratio=2e-4):
    return looks(
        [weight(f"fc{i}", update_ratio=ratio, weight=uniform(), gradient=stats(4096, 1e-5)) for i in range(3)], LONG
    )


@pytest.mark.parametrize(
    "finding",
    [
        pytest.param(still_loss(clipped()), id="a loss that stands still"),
        pytest.param(still_weights(held(1e-8), clipped()), id="weights that stand still"),
        pytest.param(hardly_moved(held(), clipped(left=0.95)), id="a loss that has hardly fallen"),
    ],
)
def test_clipping_is_named_with_its_norm_and_comes_first_in_the_solutions(finding):
    assert finding.rule == "learning_rate.too_low"
    assert "0.001" in finding.summary
    assert "clip" in finding.summary
    assert finding.cause.startswith(
        "Gradients are clipped far too strongly: the norm that the optimizer sees is 0.001 "
    )
    assert finding.solutions[0].startswith("Raise max_norm of torch.nn.utils.clip_grad_norm_ from 0.001 ")


@pytest.mark.parametrize(
    ("seen", "run"),
    [
        pytest.param(held(), clipped(left=0.8), id="the loss falls"),
        pytest.param(held(), clipped(0.1, left=0.95), id="a norm that people choose"),
        pytest.param(held(5e-3), clipped(left=0.95), id="updates of a usual size"),
        pytest.param(held(), clipped(left=0.95, n=250), id="a short trial"),
        pytest.param(held(), clipped(left=0.95, optimizer="Adam"), id="Adam"),
    ],
)
def test_runs_that_clipping_does_not_hold(seen, run):
    assert hardly_moved(seen, run) is None
