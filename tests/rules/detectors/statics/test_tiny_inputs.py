"""Inputs so close to 0 that they are as good as none."""

import pytest

from otel_mldebug.rules.detectors.statics.inputs import tiny_input
from otel_mldebug.rules.looks import Look, Operation
from otel_mldebug.rules.steps import StepRecord
from tests.rules.detectors.statics.build import NLL, N, chain, looks, op, rule, stats


def first(low: float, high: float, *after: Operation, **fields: object) -> list[Look]:
    """Return looks at a classifier whose first layer takes this."""
    taken = op("Convolution", N, 3, layer="conv1", operand=stats(low, high, (low + high) / 2, (high - low) / 4))
    return looks(*chain(taken, *after, op("LogSoftmax", N, 3), NLL), **fields)


def losses(last: float, n: int = 200) -> list[StepRecord]:
    """Return steps whose loss goes from 1 to `last` in the first half."""
    return [
        StepRecord(index=i, time_ns=i, duration_s=0.01, loss=1 + (last - 1) * min(1.0, 2 * i / n)) for i in range(n)
    ]


def test_pixels_that_were_divided_twice_are_found_where_nothing_is_learned():
    finding = tiny_input(first(0, 0.0039), losses(1.0))

    assert finding is not None
    assert finding.rule == "data.unnormalised_input"
    assert finding.evidence["layer"] == "conv1"
    assert finding.evidence["step"] == 2
    assert "up to 0.0039" in finding.summary


@pytest.mark.parametrize(
    ("seen", "window"),
    [
        pytest.param(first(0, 0.0039), losses(0.5), id="it is learned from them"),
        pytest.param(first(0, 0.0039), losses(1.0, 60), id="too early"),
        pytest.param(first(0, 1), losses(1.0), id="pixels from 0 to 1"),
        pytest.param(first(-0.001, 0.1), losses(1.0), id="some are larger"),
        pytest.param(first(0, 0), losses(1.0), id="all are 0: another finding"),
        pytest.param(first(0, 0.0039, op("NativeBatchNorm", N, 3)), losses(1.0), id="normalised right after"),
        pytest.param(first(0, 0.0039, optimizer_kind="LBFGS"), losses(1.0), id="an optimizer that does not mind"),
        pytest.param(looks(op("Convolution", N, 3)), losses(1.0), id="numbers not known"),
    ],
)
def test_small_inputs_that_do_no_harm_and_others(seen, window):
    assert rule(tiny_input, seen, window) == ""
