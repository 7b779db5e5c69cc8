"""Attributes that look like PyTorch's `requires_grad` and switch nothing: on modules, or misspelled on parameters."""

from typing import Any

_RIGHT = "requires_grad"
_WRONG = frozenset((
    "require_grad", "requires_grads", "require_grads", "required_grad", "requires_gradient", "require_gradient",
    "requires_gradients", "requiresGrad", "requires_gard",
))  # fmt: skip
_OF_MODULES = _WRONG | {_RIGHT}


def switches_of(module: Any) -> dict[str, bool]:
    """Return those of a module and of its own parameters, by name, such as `weight.require_grad`.

    A class that reads or sets the attribute itself has an option of that name.
    """
    found = _among(module.__dict__, _OF_MODULES)
    if found and any(_has_option(kind, found) for kind in type(module).__mro__):
        found = {}
    for key, parameter in module._parameters.items():
        if parameter is not None:
            found.update((f"{key}.{name}", value) for name, value in _among(parameter.__dict__, _WRONG).items())
    return found


def _among(attributes: dict[str, Any], names: frozenset[str]) -> dict[str, bool]:
    if names.isdisjoint(attributes):
        return {}
    return {name: attributes[name] for name in names & attributes.keys() if type(attributes[name]) is bool}


def _has_option(kind: type, names: dict[str, bool]) -> bool:
    codes = (getattr(value, "__code__", None) for value in vars(kind).values())
    return not kind.__module__.startswith("torch.") and any(
        name in code.co_names or name in vars(kind) for code in codes if code is not None for name in names
    )
