"""Calls of a watched model outside of training."""

from contextlib import nullcontext
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

import otel_mldebug  # noqa: E402
from otel_mldebug.instrument.training.debugging.inference import MOST_TRACKED, Inference, InferenceReport  # noqa: E402
from otel_mldebug.semconv import names  # noqa: E402
from otel_mldebug.testing import Telemetry  # noqa: E402


def test_calls_in_evaluation_mode_are_timed_and_those_of_training_are_not():
    net = nn.Linear(2, 2)
    with Telemetry() as telemetry, otel_mldebug.watch(net) as watch:
        net(torch.ones(1, 2))
        net.eval()
        with torch.inference_mode():
            for _ in range(3):
                net(torch.ones(1, 2))
        net.train()
        with torch.no_grad():
            net(torch.ones(1, 2))

        [(attributes, (count, total))] = telemetry.points(names.MLDEBUG_INFERENCE_DURATION).items()

    report = watch.inference()
    assert (attributes, count) == ((("mldebug.model", "Linear"),), 4)
    assert (report.calls, report.errors) == (4, 0)
    assert 0 < report.median_s <= report.p95_s <= report.max_s <= total
    assert telemetry.findings == []


def test_calls_that_raise_are_counted_and_raise(seen):
    net = nn.Linear(2, 2).eval()
    with otel_mldebug.watch(net) as watch, torch.no_grad():
        for width in (2, 3, 3, 2, 3):
            expected = pytest.raises(RuntimeError, match="cannot be multiplied") if width == 3 else nullcontext()
            with expected:
                net(torch.ones(1, width))

    assert (watch.inference().calls, watch.inference().errors) == (5, 3)


@pytest.mark.parametrize("calls", [MOST_TRACKED - 1, MOST_TRACKED, 3 * MOST_TRACKED])
def test_gradients_that_nobody_uses_are_found_once(seen, calls):
    net = nn.Linear(2, 2).eval()
    with otel_mldebug.watch(net):
        for _ in range(calls):
            net(torch.ones(1, 2))

    found = ["inference.gradients_tracked"] if calls >= MOST_TRACKED else []
    assert seen.rules() == found


def test_gradients_that_are_used_in_evaluation_mode_are_fine(seen):
    net = nn.Linear(2, 2).eval()
    x = torch.ones(1, 2, requires_grad=True)
    with otel_mldebug.watch(net):
        for _ in range(3):  # saliency of several inputs at a time
            sum(net(x).sum() for _ in range(4)).backward()
        for _ in range(2 * MOST_TRACKED):
            with torch.inference_mode():
                net(x)
        net.train()
        for _ in range(2 * MOST_TRACKED):
            net(x)

    assert seen.rules() == []


def test_the_output_of_a_model_that_serves_is_looked_at(seen):
    net = nn.Linear(2, 2).eval()
    with torch.no_grad():
        net.bias.fill_(float("nan"))
        with otel_mldebug.watch(net):
            net(torch.ones(1, 2))

    assert [(f.rule, where) for f, where in seen.found] == [("contract.nonfinite", {"layer": "Linear", "step": None})]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def call(inference: Inference, clock: Clock, seconds: float) -> Any:
    began = inference.began()
    clock.now += seconds
    return inference.ended(began)


def test_a_call_beyond_the_limit_is_a_finding_and_one_at_the_limit_is_none(seen):
    clock = Clock()
    inference = Inference("Net", 0.5, clock)

    assert call(inference, clock, 0.5) is None
    finding = call(inference, clock, 0.75)
    assert (finding.rule, finding.summary) == ("inference.slow", "A call of Net took 0.75 s; 0.5 s are allowed.")
    assert inference.report() == InferenceReport(calls=2, errors=0, median_s=0.5, p95_s=0.75, max_s=0.75)


def test_without_calls_nothing_is_known(seen):
    assert Inference("Net").report() == InferenceReport()
    assert call(Inference("Net", None, clock := Clock()), clock, 1e9) is None
