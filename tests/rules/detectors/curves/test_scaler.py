"""Gradient scalers that skip steps for ever, and those that look for their scale."""

import pytest

from otel_mldebug.rules.detectors.curves.scaler import clipped_while_scaled, scaler_skips
from otel_mldebug.rules.steps import StepRecord


def steps(skipped: list[bool], scales: list[float | None]) -> list[StepRecord]:
    return [
        StepRecord(index=i, time_ns=i, duration_s=0.01, loss=2.3, skipped=skip, scale=scale)
        for i, (skip, scale) in enumerate(zip(skipped, scales, strict=True))
    ]


HALVED = [65536.0 * 0.5**i for i in range(60)]


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(steps([True] * 60, HALVED), id="every step"),
        pytest.param(steps([True] * 25, HALVED[:25]), id="scale has collapsed"),
        pytest.param(steps([True, False] * 30, [None] * 60), id="every other step, scale unknown"),
    ],
)
def test_a_scaler_that_never_finds_its_scale(window):
    finding = scaler_skips(window)

    assert finding is not None
    assert finding.rule == "amp.steps_skipped"
    assert finding.evidence["step"] == 0


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(steps([True] * 16 + [False] * 44, HALVED[:16] + [1.0] * 44), id="start"),
        pytest.param(steps([True] * 20, [2.0**125 * 0.5**i for i in range(20)]), id="start from far too high"),
        pytest.param(steps([i % 10 == 9 for i in range(60)], [128.0] * 60), id="scale grows and is halved again"),
        pytest.param(steps([False] * 60, [2.0**-8] * 60), id="small scale, no skips"),
        pytest.param([], id="no steps"),
    ],
)
def test_a_scaler_that_does_its_work(window):
    assert scaler_skips(window) is None


def normed(norms: list[float | None], scale: float | None = 65536.0) -> list[StepRecord]:
    return [
        StepRecord(index=i, time_ns=i, duration_s=0.01, loss=2.3, gradient_norm=norm, scale=scale)
        for i, norm in enumerate(norms)
    ]


@pytest.mark.parametrize(
    ("norms", "limit"),
    [
        pytest.param([1.0 / 65536 * (1 + 1e-5 * (i % 3)) for i in range(60)], 1.0, id="to 1"),
        pytest.param([5.0 / 65536 if i % 8 == 0 else None for i in range(60)], 5.0, id="to 5, not measured in each"),
    ],
)
def test_gradients_that_are_clipped_while_they_are_scaled(norms, limit):
    finding = clipped_while_scaled(normed(norms))

    assert finding is not None
    assert finding.rule == "gradient.clipped_scaled"
    assert finding.evidence["step"] == 0
    assert finding.evidence["limit"] == pytest.approx(limit, rel=1e-4)


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(normed([1.0] * 60), id="clipped after unscaling"),
        pytest.param(normed([1e-5 * (1 + 0.1 * (i % 7)) for i in range(60)]), id="small, and not clipped"),
        pytest.param(normed([1e-5] * 60, scale=None), id="no scaler"),
        pytest.param(normed([1e-5] * 60, scale=1.0), id="a scaler that does not scale"),
        pytest.param(normed([1.5e-5] * 20), id="too early"),
        pytest.param(normed([1.5e-5, *([None] * 59)]), id="too little known"),
        pytest.param([], id="no steps"),
    ],
)
def test_gradients_that_are_clipped_as_they_should_be(window):
    assert clipped_while_scaled(window) is None
