"""Tensors that a module holds, that want gradients, and that nobody trains."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.layers.changes import START
from otel_mldebug.rules.detectors.layers.reading import listed
from otel_mldebug.rules.detectors.layers.reported import be, count
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOOKS, PATIENCE = 3, 30
"""Looks, and steps between the first and the last one."""
POINT, POINTS = 4, 16
"""Sizes of the last dimension up to which, and of the first one from which on, a matrix is taken for points at which
derivatives of the model are wanted (physics-informed networks): such inputs want gradients, too."""


def unregistered_tensors(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when attributes of a module get gradients in all looks, never change, and no optimizer holds them.

    Source: torch.nn.Parameter ("assigned as Module attributes they are automatically added to the list of its
    parameters"); torch.nn.ParameterList, since plain lists are not looked into.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    first, latest = looks[0], looks[-1]
    if len(looks) < LOOKS or first.step > START or latest.step - first.step < PATIENCE:
        return None
    same = set.intersection(*(set(look.loose) for look in (first, *looks[-LOOKS:])))
    names = [one[0] for one in latest.loose if one in same and not _points(one[1])]
    if not names:
        return None
    return Finding(
        rule="parameter.not_registered",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"{listed(names)}: {count(len(names), 'tensor')} of the model {be(names)} given gradients and never "
        "updated, because the model does not know of them as parameters.",
        cause="A plain tensor with requires_grad=True, or parameters in a plain list or dictionary: "
        "model.parameters() does not return them, nor does state_dict() save them or to(device) move them.",
        solutions=(
            "Make it a parameter: self.name = nn.Parameter(torch.randn(...)).",
            "Use nn.ParameterList or nn.ParameterDict instead of a list or dictionary.",
            "If it is meant to stay as it is, leave requires_grad out and use self.register_buffer.",
        ),
        prevention="Compare the names in model.state_dict() with what the model is meant to learn.",
        confidence=0.9,
        basis="detector",
        evidence={"step": first.step, "layer": names[0], "parameters": tuple(names[:8]), "looked_at": len(names)},
    )


def _points(shape: tuple[int, ...]) -> bool:
    return len(shape) <= 2 and shape[:1] >= (POINTS,) and (len(shape) == 1 or shape[1] <= POINT)
