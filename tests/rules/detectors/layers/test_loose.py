"""Tensors that a module holds and nobody trains, and losses that are left out of backward."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.layers.loose import unregistered_tensors
from otel_mldebug.rules.detectors.layers.parts import loss_left_out
from tests.rules.detectors.layers.building import AT, NET, looks, weight

POS = ("pos", (1, 20, 32), 3.5)


def holding(*loose, at=AT, parameters=NET):
    return [replace(look, loose=loose) for look in looks(parameters, at)]


def test_a_positional_table_that_is_no_parameter():
    finding = unregistered_tensors(holding(POS), [])

    assert finding is not None
    assert (finding.rule, finding.severity) == ("parameter.not_registered", "warning")
    assert finding.evidence == {"step": 0, "layer": "pos", "parameters": ("pos",), "looked_at": 1}


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(holding(), id="none"),
        pytest.param(
            [replace(look, loose=((*POS[:2], float(n)),)) for n, look in enumerate(looks(NET, AT))],
            id="one that the program updates by itself",
        ),
        pytest.param(holding(("x", (500, 2), 1.0)), id="points of a physics-informed network"),
        pytest.param(holding(("t", (500,), 1.0)), id="points in time"),
        pytest.param(holding(POS, at=(0, 1, 2, 4, 8, 16)), id="so far"),
        pytest.param(holding(POS, at=(50, 60, 70, 90)), id="not seen from the start"),
        pytest.param([*holding(POS)[:-1], looks(NET, AT)[-1]], id="until an optimizer got it"),
    ],
)
def test_tensors_that_are_meant_to_be_so(seen):
    assert unregistered_tensors(seen, []) is None


NEVER = {"reached": False, "gradient": None, "update_ratio": None, "changed": False}


def test_a_loss_that_was_left_out_of_the_sum():
    finding = loss_left_out(looks([*NET, weight("classify", **NEVER, aside=True)]), [])

    assert finding is not None
    assert (finding.rule, finding.severity, finding.evidence["layer"]) == ("loss.left_out", "warning", "classify")


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(looks([*NET, weight("classify", **NEVER)]), id="a head that this phase does not use"),
        pytest.param(looks([replace(p, aside=True) for p in NET]), id="a loss for the log"),
        pytest.param(looks([*NET, weight("c", **NEVER, aside=True, optimized=False)]), id="that nobody means to train"),
        pytest.param(looks([*NET, weight("c", **NEVER, aside=True)], (0, 1, 2, 4, 8, 16, 32)), id="a short run"),
        pytest.param(
            [*looks([*NET, weight("c", **NEVER, aside=True)])[:-1], looks([*NET, weight("c")])[-1]], id="that joined in"
        ),
        pytest.param(looks([weight("c", **NEVER, aside=True)]), id="nothing is trained at all"),
    ],
)
def test_losses_that_are_not_trained_on_rightly(seen):
    assert loss_left_out(seen, []) is None
