"""Weights that two optimizers hold: by mistake, in phases, or on purpose."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.layers.contested import contested_parameters
from tests.rules.detectors.layers.building import looks, steps, weight

OWN, OTHERS = weight("actor"), weight("critic", contested=True)
TURNS = [replace(record, index=2 * record.index) for record in steps([1.0] * 40)]
ALONE = steps([1.0] * 40)


@pytest.mark.parametrize(
    ("parameters", "records", "fires"),
    [
        pytest.param([OWN, OTHERS], TURNS, True, id="both step in turn"),
        pytest.param([OWN, OTHERS], ALONE, False, id="first the head, then all"),
        pytest.param([OWN, OTHERS], TURNS[:19], False, id="too few steps"),
        pytest.param([OWN, weight("critic")], TURNS, False, id="each has its own"),
        pytest.param([OWN, weight("scale", (1,), contested=True)], TURNS, False, id="a single number"),
        pytest.param([OWN, replace(OTHERS, trainable=False)], TURNS, False, id="frozen"),
    ],
)
def test_weights_of_another_optimizer(parameters, records, fires):
    finding = contested_parameters(looks(parameters), records)
    assert (finding and (finding.rule, finding.evidence)) == (
        ("parameter.in_two_optimizers", {"step": 0, "layer": "critic", "weights": 1}) if fires else None
    )


def test_it_takes_three_looks_in_a_row():
    seen = looks([OWN, OTHERS], at=(0, 1))
    assert contested_parameters(seen, TURNS) is None
    assert contested_parameters([*seen, *looks([OWN, weight("critic")], at=(2,))], TURNS) is None
