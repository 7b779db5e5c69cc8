"""Attributes that look like `requires_grad` and switch nothing."""

import pytest

from otel_mldebug.rules.detectors.statics.switches import switch_without_effect
from otel_mldebug.rules.looks import Layer
from tests.rules.detectors.statics.build import looks, rule, weight


def seen(settings, *, name="body", root=False, **of_weight):
    layer = Layer(name=name, kind="Sequential", training=True, root=root, settings=settings)
    return looks(layers=(layer,), parameters=(weight("body.0", 8, 8, **of_weight), weight("head", 2, 8)))


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(seen({"requires_grad": True}, trainable=False), id="a module stays frozen"),
        pytest.param(seen({"requires_grad": False}), id="a module is trained all the same"),
        pytest.param(seen({"requires_grad": False}, name="Net", root=True), id="the whole model"),
        pytest.param(seen({"weight.require_grad": False}, name="body.0"), id="a misspelled attribute of a weight"),
    ],
)
def test_a_switch_without_effect_is_told(given):
    assert rule(switch_without_effect, given) == "parameter.switch_without_effect"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(seen({"requires_grad": True}), id="trained, as it says"),
        pytest.param(seen({"requires_grad": False}, trainable=False), id="frozen, as it says"),
        pytest.param(seen({"requires_grad": True}, trainable=False, optimized=False), id="no optimizer holds it"),
        pytest.param(seen({"requires_grad": False}, name="tail"), id="a module without parameters"),
        pytest.param(seen({"affine": True, "eps": 1e-5}), id="settings of other kinds"),
        pytest.param(seen({"bias.require_grad": False}, name="body.0"), id="a parameter that was not looked at"),
    ],
)
def test_what_does_as_it_says_is_not(given):
    assert rule(switch_without_effect, given) == ""


def test_what_to_call_is_told():
    finding = switch_without_effect(seen({"requires_grad": True}, trainable=False), [])
    assert finding.summary == "body.requires_grad = True has no effect: body.0.weight stays frozen."
    assert finding.solutions[0].startswith("Call body.requires_grad_(True)")
    assert finding.evidence == {
        "step": 3,
        "layer": "body",
        "attribute": "requires_grad",
        "wanted": "True",
        "parameters": ("body.0.weight",),
    }
