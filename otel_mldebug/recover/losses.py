"""Losses that are not finite, as something that can be raised and told."""

import math
from typing import Any

from otel_mldebug.errors import MLDebugError
from otel_mldebug.instrument.training.steps.numbers import Promise, Sent, number
from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv.names import Category, Severity


class NonFiniteLossError(MLDebugError, ArithmeticError):
    """A loss is NaN or infinite.

    Attributes:
        value: What it is.
        index: Number of its batch; None where that is not known.
    """

    def __init__(self, value: float, index: int | None = None) -> None:
        self.value, self.index = value, index
        where = "" if index is None else f" of batch {index}"
        super().__init__(f"The loss{where} is {value}. Look at this batch and at the weights before it.")


def check_finite(loss: Any) -> Any:
    """Return `loss` if it is finite; to be called before backward. Waits for the device that computes it.

    Args:
        loss: One number of any kind.

    Raises:
        NonFiniteLossError: it is NaN or infinite.
    """
    found = number(loss, "loss")
    if isinstance(found, (Promise, Sent)):
        found = found.read() if isinstance(found, Promise) else float(loss.item())
    if found is not None and not math.isfinite(found):
        raise NonFiniteLossError(found)
    return loss


def not_finite(value: float, index: int) -> Finding:
    """Return the finding for a loss of a guarded loop."""
    return Finding(
        rule="loop.nonfinite_loss",
        category=Category.LOSS,
        severity=Severity.ERROR,
        summary=f"The loss of batch {index} is {value}.",
        cause="The batch holds values that the model cannot deal with, or the weights are damaged already.",
        solutions=(
            "Look at the batch: NaN, infinite or very large values, empty sequences, labels out of range.",
            "Call otel_mldebug.check_finite(loss) before backward, so that such a batch does not reach the weights.",
            "If the batches after it fail as well, go back to a checkpoint and lower the learning rate.",
        ),
        prevention="Validate samples where they are loaded; clip gradients.",
        confidence=1.0,
        basis="detector",
        evidence={"batch": index, "value": value},
    )
