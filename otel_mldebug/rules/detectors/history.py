"""What the steps before a trouble say about it: evidence that several detectors share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import median

from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.steps import StepRecord

_RUN = 5
"""Latest values that belong to the trouble rather than to what was usual before."""
_LATEST = 5
"""Values that are given as evidence."""


CLIMB, CLIMB_STEPS, RISING = 10.0, 3, 0.75
"""How many times its lowest value the latest loss is, steps since then, and share of them that it rose in, from which
the loss was on its way up."""


SAME_NORMS, SAME = 8, 0.005
"""Gradient norms, and how far apart they may be, as a share of them, from which on clipping has made them the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """A loss on its way up.

    Attributes:
        first: First step that was higher than the one before.
        steps: How many steps it took.
        factor: How many times larger it became in each, in the geometric mean.
        low: The loss before that.
        high: The latest.
    """

    first: int
    steps: int
    factor: float
    low: float
    high: float


def climb(window: Sequence[StepRecord]) -> Climb | None:
    """Return how the latest finite losses have grown from their lowest value on; None if they have not."""
    known = losses(window)
    if len(known) <= CLIMB_STEPS or known[-1][1] <= 0:
        return None
    at = min(range(len(known)), key=lambda place: (known[place][1], -place))
    values = [value for _, value in known[at:]]
    rises = sum(after > before for before, after in pairwise(values))
    if len(values) <= CLIMB_STEPS or values[0] <= 0 or rises < RISING * (len(values) - 1):
        return None
    if values[-1] < CLIMB * values[0]:
        return None
    steps = known[-1][0] - known[at][0]
    factor = math.exp((math.log(values[-1]) - math.log(values[0])) / steps)
    return Climb(first=known[at + 1][0], steps=steps, factor=factor, low=values[0], high=values[-1])


def diverged(up: Climb, window: Sequence[StepRecord], cause: str) -> str:
    """Return the cause of a non-finite value with the way up before it in front."""
    rate = next((f" of {r.learning_rate:g}" for r in reversed(window) if r.learning_rate), "")
    rest = cause.removeprefix("Training diverged: ")
    return (
        f"Training diverged: from step {up.first} on the loss grew about {up.factor:.2g} times a step for {up.steps} "
        f"steps, from {up.low:.3g} to {up.high:.3g}, until numbers overflowed. The learning rate{rate} is too high for "
        f"the size of the gradients. {rest[:1].upper()}{rest[1:]}"
    )


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


def same_norm(window: Sequence[StepRecord], least: int = SAME_NORMS) -> float | None:
    """Return the gradient norm of the latest steps, if it is one and the same in all: they are clipped to it.

    Args:
        window: Steps of one optimizer, oldest first.
        least: Norms that have to be known.
    """
    latest = [norm for _, norm in norms(window)[-least:]]
    same = len(latest) == least and latest[0] > 0 and max(latest) - min(latest) <= SAME * max(latest)
    return median(latest) if same else None


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


def growth(window: Sequence[StepRecord], *, gradients: bool = True) -> float:
    """Return how many times the latest loss or gradient norm exceeds the largest one that was usual; at least 1.

    Args:
        window: Steps of one optimizer, oldest first.
        gradients: Whether the norm counts. Near a division by 0 it is large once, while the loss is as usual.
    """
    factors = [1.0]
    for values in (losses(window), norms(window) if gradients else ()):
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


def order(values: Sequence[float]) -> float:
    """Return how far values rise all along, from -1 for falling to 1 (Kendall, 1938); at least two of them."""
    pairs = [(b > a) - (b < a) for a, b in combinations(values, 2)]
    return sum(pairs) / len(pairs)
