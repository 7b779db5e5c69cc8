"""Freezing and unfreezing by an attribute that PyTorch does not know."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.layers.reading import listed
from otel_mldebug.rules.detectors.layers.reported import be
from otel_mldebug.rules.detectors.statics.telling import lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Layer, Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity


def switch_without_effect(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a module or parameter has been given an attribute like `requires_grad`, and weights do otherwise.

    Python lets any attribute be set on both; `requires_grad` is one of tensors alone. What an optimizer does not hold
    is left out: it stays as it is in any case.

    Source: torch.nn.Module.requires_grad_, torch.Tensor.requires_grad.

    Args:
        looks: Of one optimizer, oldest first.
        window: Not looked at.
    """
    if (found := lasting(looks, _contradicted)) is None:
        return None
    look, (layer, name, wanted, weights) = found
    attribute = name.rpartition(".")[2]
    owner = ".".join(filter(None, (layer.name, name.rpartition(".")[0])))
    names = [p.name for p in weights]
    still = ("stays" if len(names) == 1 else "stay") + " frozen" if wanted else f"{be(names)} trained all the same"
    return tell(
        "parameter.switch_without_effect",
        Severity.WARNING,
        look,
        f"{owner}.{attribute} = {wanted} has no effect: {listed(names, 3)} {still}.",
        category=Category.OPTIMIZATION,
        cause=f"A module has no {attribute}: setting it makes a plain Python attribute that nobody reads."
        if attribute == "requires_grad"
        else f"A tensor's attribute is called requires_grad: {attribute} is one that nobody reads.",
        solutions=(
            f"Call {layer.name or 'model'}.requires_grad_({wanted}), which sets it for all parameters of the module.",
            f"Or set it on each parameter: for p in module.parameters(): p.requires_grad = {wanted}.",
        ),
        prevention="After freezing or unfreezing, print the names of the parameters whose requires_grad is True.",
        confidence=0.95,
        layer=layer.name,
        attribute=attribute,
        wanted=str(wanted),
        parameters=tuple(names[:8]),
    )


def _contradicted(look: Look) -> tuple[Layer, str, bool, list[Parameter]] | None:
    for layer in look.layers:
        for name, wanted in layer.settings.items():
            if "grad" not in name or not isinstance(wanted, bool):
                continue
            against = [p for p in _meant(look, layer, name) if p.optimized and p.trainable != wanted]
            if against:
                return layer, name, wanted, against
    return None


def _meant(look: Look, layer: Layer, name: str) -> list[Parameter]:
    """Return the parameters that an attribute was meant for."""
    own = name.rpartition(".")[0]
    if own:
        return [p for p in look.parameters if p.layer == layer.name and p.name.rpartition(".")[2] == own]
    return [p for p in look.parameters if layer.root or p.name.startswith(layer.name + ".")]
