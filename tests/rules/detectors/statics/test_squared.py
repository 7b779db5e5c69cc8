"""Squared error of probabilities, and random numbers that all workers share."""

import pytest

from otel_mldebug.rules.detectors.statics.repeats import same_random
from otel_mldebug.rules.detectors.statics.squared import squared_probabilities
from otel_mldebug.rules.looks import Part
from otel_mldebug.semconv.names import Severity
from tests.rules.detectors.statics.build import LINEAR, N, chain, look, looks, op, rule, stats

SOFTMAX = op("Softmax", N, 4, settings={"dim": 1}, layer="head")
MSE = op("MseLoss", operands=((N, 4), (N, 4)))


def labels(**other):
    """Return labels of four classes, a column each."""
    given = {"size": 4 * N, "zero": 0.75, "mean": 0.25, "std": 0.433, "low": 0.0, "high": 1.0, **other}
    return Part(place="MseLoss", role="target", shape=(N, 4), dtype="float32", stats=stats(**given))


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param(chain(LINEAR, SOFTMAX, MSE), id="mse_loss"),
        pytest.param(chain(LINEAR, SOFTMAX, op("SmoothL1Loss", operands=((N, 4), (N, 4)))), id="smooth_l1_loss"),
    ],
)
def test_softmax_before_a_loss_for_regressions_is_found(operations):
    finding = squared_probabilities(looks(*operations, parts=(labels(),)), [])

    assert finding is not None
    assert (finding.rule, finding.severity) == ("loss.squared_probabilities", Severity.WARNING)
    assert finding.evidence == {"step": 2, "layer": "head", "operation": operations[-1].kind, "classes": 4}


@pytest.mark.parametrize(
    ("operations", "part"),
    [
        pytest.param(chain(LINEAR, SOFTMAX, MSE), labels(zero=0.1), id="soft targets of a teacher"),
        pytest.param(chain(LINEAR, SOFTMAX, MSE), labels(zero=0.5, mean=0.5), id="several labels a sample"),
        pytest.param(chain(LINEAR, SOFTMAX, MSE), labels(high=0.9), id="smoothed labels"),
        pytest.param(chain(LINEAR, op("Sigmoid", N, 4), MSE), labels(), id="sigmoid, as textbooks have it"),
        pytest.param(chain(LINEAR, MSE), labels(), id="least squares of raw outputs"),
        pytest.param(chain(LINEAR, SOFTMAX, LINEAR, MSE), labels(), id="softmax in the middle: attention"),
        pytest.param(
            chain(LINEAR, op("Softmax", N, 2, settings={"dim": 1}), op("MseLoss", operands=((N, 2), (N, 2)))),
            labels(zero=0.5, mean=0.5),
            id="two columns",
        ),
    ],
)
def test_other_targets_and_outputs_are_left_alone(operations, part):
    assert rule(squared_probabilities, looks(*operations, parts=(part,))) == ""


def test_one_look_is_not_enough_for_squared_probabilities():
    assert rule(squared_probabilities, [look(*chain(LINEAR, SOFTMAX, MSE), parts=(labels(),))]) == ""


def test_workers_with_the_same_random_numbers_are_named_once_they_are_known():
    seen = [look(step=0), look(step=1, alike="Images.rng")]
    finding = same_random(seen, [])

    assert finding is not None
    assert (finding.rule, finding.evidence) == ("data.same_augmentation", {"step": 1, "generator": "Images.rng"})


def test_other_loaders_are_left_alone():
    assert rule(same_random, looks()) == ""
