"""Losses that have lost their connection to the model."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.statics.telling import lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity


def detached_loss(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when backward is called on something without a graph, three looks in a row, and no weight gets a gradient.

    PyTorch raises for a loss that requires no gradients; a loss that was wrapped into a new tensor with
    `requires_grad=True` goes unnoticed.
    """

    def judge(look: Look) -> int | None:
        held = [p for p in look.parameters if p.optimized and p.trainable and p.weight is not None]
        if look.operations or not held or any(p.gradient is not None or p.changed for p in held):
            return None
        return len(held)

    if (found := lasting(looks, judge, least=3)) is None:
        return None
    first, count = found
    return tell(
        "loss.detached",
        Severity.ERROR,
        first,
        f"The loss does not depend on the model: it has no graph, and none of {count} weights gets a gradient.",
        category=Category.LOSS,
        cause="The loss was made anew from a number or from detached values: torch.tensor(loss.item(), "
        "requires_grad=True), Variable(loss.data), loss.detach().requires_grad_(), or a way through NumPy.",
        solutions=(
            "Call backward on the very tensor that the loss function returned.",
            "Compute the loss with tensors only: no .item(), .data, .detach(), .numpy() or torch.tensor() on the way.",
        ),
        prevention="After the first backward call, check that every parameter has a gradient; never add requires_grad "
        "to a loss to get rid of an error.",
        confidence=0.95,
        parameters=count,
    )
