"""What the steps before a trouble say about it: evidence that several detectors share."""

import math
from collections.abc import Sequence

from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.steps import StepRecord

_RUN = 5
"""Latest values that belong to the trouble rather than to what was usual before."""
_LATEST = 5
"""Values that are given as evidence."""


def spell(value: float) -> str:
    """Return how people write a value that is not finite."""
    if math.isnan(value):
        return "NaN"
    return "infinite" if value > 0 else "minus infinite"


def times(factor: float) -> str:
    """Return how people write how much something grew: `35 times`, `6.2e+33 times`."""
    return f"{factor:,.0f} times" if factor < 1e6 else f"{factor:.2g} times"


def losses(window: Sequence[StepRecord]) -> list[tuple[int, float]]:
    """Return the finite losses with their steps."""
    return [(r.index, r.loss) for r in window if r.loss is not None and math.isfinite(r.loss)]


def norms(window: Sequence[StepRecord]) -> list[tuple[int, float]]:
    """Return the finite gradient norms of steps that were not skipped, with their steps."""
    return [
        (r.index, r.gradient_norm)
        for r in window
        if r.gradient_norm is not None and math.isfinite(r.gradient_norm) and not r.skipped
    ]


def history(window: Sequence[StepRecord]) -> dict[str, Value]:
    """Return the latest finite losses and gradient norms, oldest first, and how the learning rate went."""
    found: dict[str, Value] = {}
    if values := losses(window):
        found["losses_before"] = tuple(value for _, value in values[-_LATEST:])
    if values := norms(window):
        found["gradient_norms_before"] = tuple(value for _, value in values[-_LATEST:])
    rates = [r.learning_rate for r in window if r.learning_rate is not None]
    if rates:
        found["learning_rate"] = rates[-1]
    if (jump := rate_jump(window)) is not None:
        found["learning_rate_before"], found["learning_rate_raised_at_step"] = jump
    return found


def growth(window: Sequence[StepRecord]) -> float:
    """Return how many times the latest loss or gradient norm exceeds the largest one that was usual; at least 1."""
    factors = [1.0]
    for values in (losses(window), norms(window)):
        known = [abs(value) for _, value in values]
        usual = max(known[: -_RUN - 1] or known[:1], default=0.0)
        if len(known) > 1 and usual > 0:
            factors.append(known[-1] / usual)
    return max(factors)


def rate_jump(window: Sequence[StepRecord], *, factor: float = 3.0, steps: int = 30) -> tuple[float, int] | None:
    """Return the learning rate before it was raised at once, and the step with the new one; None if it was not.

    Args:
        window: Steps of one optimizer, oldest first.
        factor: How much the new rate has to exceed all rates of the window before it, above 1.
        steps: How many steps back a jump still counts.
    """
    rates = [(r.index, r.learning_rate) for r in window if r.learning_rate]
    for place in range(len(rates) - 1, max(0, len(rates) - 1 - steps), -1):
        before = rates[place - 1][1]
        index, after = rates[place]
        if after >= factor * max(rate for _, rate in rates[:place]):
            return before, index
    return None


def blame_rate(window: Sequence[StepRecord], cause: str, solutions: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return cause and solutions, with the learning rate first if it was raised shortly before."""
    jump = rate_jump(window)
    if jump is None:
        return cause, solutions
    return (
        f"The learning rate was raised from {jump[0]:g} at step {jump[1]}. {cause}",
        (
            "Check what raised the learning rate: the schedule's formula, its units (steps or epochs), a resumed one.",
            *solutions,
        ),
    )
