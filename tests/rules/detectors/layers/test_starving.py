"""Generators that get no gradient, and players that do."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.layers.starving import starved_network
from otel_mldebug.rules.looks import Look, Operation
from tests.rules.detectors.layers.building import looks, stats, steps, weight

AT = (5, 17, 53, 101, 197, 293)
FALLEN = (1.0, 0.4, 0.05, 0.03, 0.01, 0.003)
LOW = (0.5, 0.1, 0.004, 0.003, 0.001, 0.0002)
OTHER = weight("D.out", (1, 64), update_ratio=None)


def game(
    norms: Sequence[float] = FALLEN, scores: Sequence[float] = LOW, kind: str = "Sigmoid", at: Sequence[int] = AT
) -> list[Look]:
    """Return looks of a generator whose gradient has these norms, with the highest score in each."""
    found = []
    for step, norm, score in zip(at, norms, scores, strict=True):
        mine = replace(weight("G.fc"), gradient=stats(4096, norm / 64))
        seen: dict[str, Any] = {"output" if kind == "Sigmoid" else "operand": stats(64, 0.1, high=score)}
        found += looks([mine, OTHER], at=(step,), operations=(Operation(kind=kind, layer="D.out", **seen),))
    return found


def course(*, shared: bool = True) -> Course:
    found = Course(steps([0.5] * 60, [None] * 60))
    found.shared = shared
    return found


def test_a_generator_whose_samples_are_all_rejected_and_whose_gradient_is_gone_starves():
    finding = starved_network(game(), course())

    assert finding is not None
    assert finding.rule == "gradient.starved"
    assert finding.evidence["step"] == 53
    assert (finding.evidence["layer"], finding.evidence["judged_by"]) == ("G.fc", "D.out")
    assert finding.evidence["largest_norm_before"] == pytest.approx(1.0)
    assert finding.evidence["gradient_norm"] == pytest.approx(0.003)


@pytest.mark.parametrize("kind", ["BinaryCrossEntropyWithLogits", "LogSigmoid", "Softplus"])
def test_logits_are_read_like_probabilities(kind: str):
    finding = starved_network(game(scores=(0.0, -2.0, -5.0, -6.0, -7.0, -8.0), kind=kind), course())

    assert finding is not None
    assert finding.evidence["highest_score"] == pytest.approx(3.35e-4, rel=1e-2)


@pytest.mark.parametrize(
    ("window", "records"),
    [
        pytest.param(game(norms=(1.0, 1.1, 2.0, 1.5, 1.2, 1.0)), course(), id="a loss that does not saturate"),
        pytest.param(game(norms=(1.0, 0.4, 0.05, 0.03, 0.2, 0.01)), course(), id="it has come back"),
        pytest.param(game(norms=(1.0, 0.4, 0.09, 0.08, 0.07, 0.06)), course(), id="small, and not gone"),
        pytest.param(game(scores=(0.5, 0.4, 0.5, 0.6, 0.5, 0.5)), course(), id="an even game that has converged"),
        pytest.param(game(scores=(0.5, 0.1, 0.004, 0.3, 0.001, 0.0002)), course(), id="some samples are liked"),
        pytest.param(game(), course(shared=False), id="one optimizer"),
        pytest.param(game(at=(5, 6, 7, 8, 9, 10)), course(), id="a few steps"),
        pytest.param(game()[:4], course(), id="too few looks"),
        pytest.param(game(kind="Tanh"), course(), id="no score"),
        pytest.param([replace(x, parameters=x.parameters[:1]) for x in game()], course(), id="nobody else judges it"),
        pytest.param([replace(x, operations=()) for x in game()], course(), id="no graph"),
        pytest.param(looks([weight("G.fc"), OTHER]), course(), id="healthy"),
    ],
)
def test_players_that_do_not_starve(window, records):
    assert starved_network(window, records) is None
