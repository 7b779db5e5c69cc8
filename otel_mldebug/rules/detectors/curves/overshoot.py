"""Whether updates are large enough to throw the loss about by themselves."""

import math
from collections.abc import Sequence

from otel_mldebug.rules.steps import StepRecord

_DESCENT = "SGD"


def reach(records: Sequence[StepRecord], *, share: float, rate: float, most: bool = False) -> bool:
    """Return whether what the loss does can be the updates' doing, and not that of the data or of another term.

    Gradient descent would take the rate times the squared norm of the gradient away from the loss, to first order. Of a
    parabola with the curvature h that is 2 * rate * h times the loss: where updates overshoot, it is a large share
    of the loss, or more than all of it. What optimizers of another kind do does not depend on the gradient's size: of
    them, the rate itself has to be high. Source: Boyd and Vandenberghe, "Convex optimization", section 9.3.

    Args:
        records: Of one optimizer.
        share: Of the loss, that the steps with the largest ones (the ninth tenth) have to take away, above 0.
        rate: The learning rate, from which on optimizers of another kind reach far.
        most: Whether one such step is enough.
    """
    if not records[-1].optimizer.startswith(_DESCENT):
        return max((r.learning_rate for r in records if r.learning_rate is not None), default=0.0) >= rate
    shares = sorted(value for r in records if (value := _share(r)) is not None)
    if not shares:
        return False
    return shares[-1 if most else int(0.9 * (len(shares) - 1))] >= share


def _share(record: StepRecord) -> float | None:
    """Return which share of the loss a step takes away to first order; None when that is not known."""
    rate, norm, loss = record.learning_rate, record.gradient_norm, record.loss
    if rate is None or norm is None or loss is None or not loss > 0 or not math.isfinite(loss) or norm != norm:
        return None
    return rate * min(norm, 1e150) ** 2 / loss
