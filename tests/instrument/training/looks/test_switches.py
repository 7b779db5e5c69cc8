"""Attributes of modules and parameters that look like `requires_grad`."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

from otel_mldebug.instrument.training.looks.switches import switches_of  # noqa: E402


class Option(nn.Module):
    """A layer with an option of its own, as models for perceptual losses have."""

    def __init__(self, requires_grad: bool = False) -> None:
        super().__init__()
        self.requires_grad = requires_grad


class Plain(nn.Module):
    """A layer without one."""


def given(module, **attributes):
    for name, value in attributes.items():
        setattr(module, name, value)
    return module


@pytest.mark.parametrize(
    ("module", "found"),
    [
        pytest.param(given(nn.Sequential(), requires_grad=True), {"requires_grad": True}, id="on a container"),
        pytest.param(given(Plain(), requires_grad=False), {"requires_grad": False}, id="on a module of the user's"),
        pytest.param(given(Plain(), require_grad=False), {"require_grad": False}, id="misspelled"),
        pytest.param(Option(), {}, id="an option of the class"),
        pytest.param(given(Option(), requires_grad=True), {}, id="an option that was changed"),
        pytest.param(given(Plain(), requires_grad="auto"), {}, id="no switch"),
        pytest.param(nn.Linear(2, 2), {}, id="none"),
    ],
)
def test_those_of_modules(module, found):
    assert switches_of(module) == found


def test_those_of_parameters():
    layer = nn.Linear(2, 2)
    layer.weight.require_grad = False
    layer.bias.requires_grad = False
    layer.bias.note = True
    assert switches_of(layer) == {"weight.require_grad": False}


def test_a_missing_parameter_has_none():
    assert switches_of(nn.Linear(2, 2, bias=False)) == {}
