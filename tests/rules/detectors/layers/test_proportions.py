"""Weights and steps that are out of proportion all along."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.layers.proportions import immovable_weights, restless_weights
from tests.rules.detectors.layers.building import looks, stats, steps, weight

LATE = (0, 1, 2, 4, 60, 160, 260, 360, 460, 600)
SWINGING = steps([1.0, *(0.6 + 0.1 * (i % 3) for i in range(600))])
STUCK = steps([2.3 - 0.0001 * i for i in range(601)])
LEARNING = steps([2.3 * 0.99**i for i in range(601)])


def restless(ratio=0.06, worst=0.2, at=LATE, kind="SGD"):
    layers = [weight("a", update_ratio=ratio), weight("b", update_ratio=ratio), weight("c", update_ratio=worst)]
    return looks(layers, at, optimizer_kind=kind)


def test_steps_that_never_get_smaller_and_lead_nowhere_are_a_rate_too_high():
    finding = restless_weights(restless(), SWINGING)

    assert finding.rule == "learning_rate.too_high"
    assert finding.evidence == {
        "step": 60,
        "layer": "c",
        "update_ratio": 0.06,
        "largest_update_ratio": 0.2,
        "learning_rate": 0.001,
    }
    assert "as it did 540 steps ago" in finding.summary


@pytest.mark.parametrize(
    ("seen", "records"),
    [
        pytest.param(restless(), LEARNING, id="the loss falls"),
        pytest.param(restless(ratio=0.01), SWINGING, id="usual steps"),
        pytest.param(restless(worst=0.1), SWINGING, id="no layer stands out"),
        pytest.param(restless(kind="Adam"), SWINGING, id="steps of Adam are as large as its rate"),
        pytest.param(restless(at=LATE[:8]), SWINGING, id="few looks"),
        pytest.param(restless(at=(0, 60, 70, 80, 90, 100, 110)), SWINGING, id="not for long"),
        pytest.param(restless(), [*steps([9.0] * 20), *SWINGING[20:]], id="most was learned"),
        pytest.param(restless(), [*LEARNING[:400], *SWINGING[400:]], id="a warm restart: it was low before"),
        pytest.param(restless(), [], id="loss unknown"),
        pytest.param([*restless()[:-1], restless(ratio=0.001)[-1]], SWINGING, id="steps get smaller in the end"),
    ],
)
def test_steps_that_are_as_they_should_be(seen, records):
    assert restless_weights(seen, records) is None


def heavy(std=40.0, ratio=2e-5, at=LATE, **other):
    table = weight("words", (500, 64), module="Embedding", weight=stats(32000, std), update_ratio=ratio, **other)
    return looks([table, weight("fc")], at)


def test_weights_too_large_to_be_moved_are_named_with_their_size():
    finding = immovable_weights(heavy(), STUCK)

    assert (finding.rule, finding.evidence["layer"]) == ("init.scale", "words")
    assert finding.summary.startswith("The weights of words are so large (standard deviation 40) that a step changes")


@pytest.mark.parametrize(
    ("seen", "records"),
    [
        pytest.param(heavy(std=1.0), STUCK, id="as PyTorch draws them"),
        pytest.param(heavy(ratio=1e-3), STUCK, id="moved as usual"),
        pytest.param(heavy(ratio=0.0), STUCK, id="not moved at all: another rule"),
        pytest.param(heavy(trainable=False), STUCK, id="fixed features"),
        pytest.param(heavy(optimized=False), STUCK, id="not trained"),
        pytest.param(heavy(), LEARNING, id="the loss falls all the same"),
        pytest.param(heavy(at=(0, 1, 2, 4, 64)), STUCK, id="too early"),
        pytest.param(heavy(at=(9, 60, 600)), STUCK, id="the start was not seen"),
        pytest.param([*heavy(std=1.0, at=(0, 1)), *heavy(at=(60, 600))], STUCK, id="grown on the way"),
        pytest.param(
            [replace(s, parameters=(replace(s.parameters[0], weight=None),)) for s in heavy()], STUCK, id="unknown"
        ),
    ],
)
def test_weights_that_can_be_moved_or_need_not_be(seen, records):
    assert immovable_weights(seen, records) is None
