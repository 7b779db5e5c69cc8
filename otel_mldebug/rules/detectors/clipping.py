"""Gradients that are clipped to a norm so small that updates come to nothing."""

import math
from collections.abc import Sequence

from otel_mldebug.rules.detectors.history import same_norm
from otel_mldebug.rules.steps import StepRecord

LOW_NORM, USUAL_RATE = 0.5, 1e-4
"""Norm up to which clipping is to blame for updates that are too small, and learning rate from which on: usual are 0.25
to 10, and gradient descent at a rate below that is slow with any norm."""
LEAST = 4
"""Norms that have to be known: batches differ, and so do their norms, but for clipping."""
ROUND = 0.005
"""How far off a number of one digit, or one and a half, the norm is, as a share of it: people write 1e-3, 0.25 or 0.5.
Where weights do not move, full batches have the same norm in every step without any clipping, too: some odd number."""


def clipped_norm(window: Sequence[StepRecord]) -> float | None:
    """Return the norm that the gradients of plain gradient descent are clipped to, if that is a small one.

    Optimizers that divide gradients by their size (Adam) make up for it.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    norm = same_norm(window, LEAST)
    if norm is None or norm > LOW_NORM or not window[-1].optimizer.startswith("SGD"):
        return None
    rate = max((r.learning_rate for r in window if r.learning_rate is not None), default=0.0)
    meant = round(2 * norm, -math.floor(math.log10(norm))) / 2
    return meant if abs(meant - norm) <= ROUND * norm and rate >= USUAL_RATE else None


def blame_clipping(norm: float | None, cause: str, solutions: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return cause and solutions, with clipping first if gradients are clipped to `norm`."""
    if norm is None:
        return cause, solutions
    return (
        f"Gradients are clipped far too strongly: the norm that the optimizer sees is {norm:g} in every step, so that "
        f"an update can be no larger than {norm:g} times the learning rate. {cause}",
        (
            f"Raise max_norm of torch.nn.utils.clip_grad_norm_ from {norm:g} to 1 or so, above the usual norm of the "
            "gradients, which it returns: it is to cut peaks only.",
            *solutions,
        ),
    )
