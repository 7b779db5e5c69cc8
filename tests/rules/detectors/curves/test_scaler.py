"""Gradient scalers that skip steps for ever, and those that look for their scale."""

import pytest

from otel_mldebug.rules.detectors.curves.scaler import scaler_skips
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
