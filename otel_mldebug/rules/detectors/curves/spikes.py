"""A single loss far above all others, and what became of the training after it."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.history import history, rate_jump, times
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

FACTOR, AGAIN = 5.0, 3.0
"""How many times the largest other loss the spike has to be, and how many times the mean of any stretch of steps
before those, the first `SETTLED` steps left out: a target network that is replaced throws the loss up each time."""
SETTLED = 48
SIGMAS, TAILS = 12.0, 3.0
"""Distance from the usual loss, in standard deviations of its logarithm, and times the distance of the largest one
before it, which is what losses with heavy tails stay below.
Source: simulated windows of Gaussian, exponential, log-normal and Pareto noise, see the tests."""
LEAST_SPREAD = 0.1
"""Standard deviation of the logarithm that is assumed at least."""
BEFORE, AFTER = 24, 8
"""Steps without a spike that are needed on either side, …"""
LONG_AFTER, LONGEST_AFTER, NOTHING, HUGE = 40, 56, 0.01, 100.0
"""Steps after it that are needed where no loader makes the batches, and where the loss had fallen to that share of the
first one as well: in reinforcement learning, rewards are rare before they are frequent, and the first one stands alone
for a while, above a loss of nothing. They are not that many times as large as the first loss."""
CONFUSED = 3.0
"""How many times the first loss it is, at least, where the loss had fallen to `NOTHING` of it: one sample that is hard
costs a sure model as much as the first batch, and more."""
QUIET = 64
"""… and in all: data with a few odd samples shows the next of them by then."""
NEAR = 12
"""Steps on either side of one that tell what is usual there."""
LEVEL, ALIKE = 10.0, 5.0
"""Another task or another kind of data (sequences that get longer, classes that are new) takes the loss to about where
it was at the beginning: at most that many times the first loss, and the losses that follow are alike, up to that
factor, and fall by and by. One bad batch is gone with the next. A rate that was raised right before explains it."""
WIDTH = 3
"""Steps that one spike may last."""


def loss_spike(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when one loss (or up to `WIDTH` in a row) is far out of all others, and as high as the first of the run.

    A spike that comes again is how the data is (heavy tails, rare samples) and does not fire, nor do losses that are
    not positive. Spikes below the first loss of a run are what Adam does near a minimum.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    course = Course.of(window)
    known = course.losses
    first = course.first_loss
    if len(known) < QUIET or first is None or course.shared:
        return None
    values = [loss for _, loss in known]
    if min(values) <= 0:
        return None
    top = max(range(len(values)), key=values.__getitem__)
    begin, end = max(0, top - 1), min(len(values), top + WIDTH)
    before, after = values[:begin], values[end:]
    if len(before) < BEFORE or len(after) < AFTER or values[top] < first:
        return None
    usual = median(before[-NEAR:])
    alone = LONGEST_AFTER if usual < NOTHING * first else LONG_AFTER
    if len(after) < alone and values[top] < HUGE * first and all(r.data_s is None for r in course):
        return None
    if values[top] < FACTOR * max(before) or (usual < NOTHING * first and values[top] < CONFUSED * first):
        return None
    stretches = [s.loss for s in course.stretches if s.loss and s.first >= SETTLED and s.last < known[begin][0]]
    if values[top] < AGAIN * max(stretches, default=0.0):
        return None
    logs = [math.log(value) for value in values]
    slopes = [abs(b - a) for a, b in pairwise(logs[:begin])]
    spread = max(LEAST_SPREAD, median(slopes) / 0.954)  # of a difference of two normal values: sqrt(2) * 0.6745
    rest = [i for i in range(len(logs)) if i < begin or i >= end + WIDTH]
    tail = max(logs[i] - median(logs[max(0, i - NEAR) : i + NEAR + 1]) for i in rest)
    if logs[top] - math.log(usual) < max(SIGMAS * spread, TAILS * tail):
        return None
    raised = rate_jump([r for r in window if r.index <= known[top][0]], steps=WIDTH)
    if raised is None and _new_level(known[top:], first, usual):
        return None
    step = known[top][0]
    record = next(r for r in window if r.index == step)
    back = next((s - step for s, loss in known[top + 1 :] if loss <= max(2 * usual, max(before[-NEAR:]))), None)
    recovery = (
        f"the loss was back after {back} steps"
        if back is not None
        else f"the loss has not come back since ({after[-1]:.3g})"
    )
    where: dict[str, Value] = {"epoch": record.epoch} if record.epoch is not None else {}
    return Finding(
        rule="loss.spike",
        category=Category.LOSS,
        severity=Severity.WARNING if back is not None else Severity.ERROR,
        summary=f"The loss of step {step} is {values[top]:.3g}, {times(values[top] / usual)} the usual {usual:.3g}; "
        f"{recovery}.",
        cause="One batch is unlike the others: a corrupt or mislabelled sample, another scale of inputs or targets; "
        "less often a single update that was too large.",
        solutions=(
            f"Look at the batch of step {step}: range of its inputs and targets against those of others.",
            "Clip gradients, with torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0): one batch then cannot undo "
            "what was learned.",
            "Drop or repair such samples when data is loaded, or use a loss that outliers weigh less in (Huber).",
        ),
        prevention="Check the range of each batch when it is made; clip gradients.",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": step,
            "loss": values[top],
            "usual_loss": usual,
            "factor": values[top] / usual,
            "steps_to_recover": back if back is not None else -1,
            **where,
            **history([r for r in window if r.index < step]),
        },
    )


def _new_level(known: Sequence[tuple[int, float]], first: float, usual: float) -> bool:
    """Return whether the losses from the spike on are a new course of learning, and no spike."""
    (step, top), *after = known
    next_ones = [loss for at, loss in after if at <= step + WIDTH + 1]  # of short steps, not all are known
    if top > LEVEL * first or min(next_ones, default=top) * ALIKE < top:
        return False
    return after[-1][1] < top and all(loss > FACTOR * usual for _, loss in after[:AFTER])
