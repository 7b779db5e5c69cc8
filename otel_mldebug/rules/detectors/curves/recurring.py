"""Losses that jump again and again in step with the passes over the data: one batch, or one sample, is bad."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.history import history, times
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

FACTOR, ABOVE_FIRST = 50.0, 10.0
"""How many times the usual loss each of them is, and how many times the first loss of the run: what a hard sample costs
a model that is sure of itself is less than that, and so is a loss that adds a penalty now and then."""
CALM = 5.0
"""How many times the usual loss all others are, at most: targets with heavy tails have values of every size, and after
a target network was replaced the loss falls by and by."""
SPIKES, PASSES = 3, 4
"""Of them, at equal distances, or each in a pass of its own over a loader's data."""
PERIOD = 20
"""Steps from one to the next, at least, where they come at equal distances: terms of a loss that are computed now and
then (Karras et al., 2020, "lazy regularization": every 16 steps) come more often."""
NEAR = 12
"""Steps on either side that tell what is usual."""


def recurring_spike(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when single losses are far out of all others at equal distances, or once in each pass over the data.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    course = Course.of(window)
    first = course.first_loss
    known = course.losses
    if first is None or first <= 0 or course.shared or len(known) < 2 * PERIOD:
        return None
    least = ABOVE_FIRST * first
    high = [i for i, (_, loss) in enumerate(known) if loss >= least]
    if not SPIKES <= len(high) <= len(known) / PERIOD:
        return None
    usual = []
    for i in high:
        near = [loss for _, loss in known[max(0, i - NEAR) : i + NEAR + 1] if 0 < loss < least]
        usual.append(median(near) if len(near) >= NEAR else 0.0)
    if not all(level > 0 and known[i][1] >= FACTOR * level for i, level in zip(high, usual, strict=True)):
        return None
    level = median(usual)
    calm = [loss for _, loss in known[high[0] :] if loss < least]
    if max(calm) > CALM * max(usual):
        return None
    steps = [known[i][0] for i in high]
    epochs = {record.index: record.epoch for record in course}
    rhythm = _rhythm(steps, [epochs.get(step) for step in steps])
    if not rhythm:
        return None
    top = median(known[i][1] for i in high)
    period = steps[1] - steps[0]
    more: dict[str, Value] = {"every_steps": period} if "steps" in rhythm else {}
    return Finding(
        rule="loss.spike",
        category=Category.LOSS,
        severity=Severity.WARNING,
        summary=f"The loss jumps {rhythm} (steps {', '.join(map(str, steps[:3]))}, …) to about {top:.3g}, "
        f"{times(top / level)} the usual {level:.3g}.",
        cause="The same batch or sample is bad in every pass over the data: corrupt or mislabelled, or in another "
        "scale or unit than the others, inputs or targets.",
        solutions=(
            f"Look at the batch of step {steps[0]}: range of its inputs and targets against those of others.",
            "Drop or repair that sample when data is loaded, or use a loss that outliers weigh less in (Huber).",
            "Clip gradients, with torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0), so that it undoes less.",
        ),
        prevention="Check the range of each batch when it is made.",
        confidence=0.9,
        basis="detector",
        evidence={
            "step": steps[0],
            "loss": top,
            "usual_loss": level,
            "factor": top / level,
            "spikes": len(steps),
            **more,
            **history([r for r in window if r.index < steps[0]]),
        },
    )


def _rhythm(steps: Sequence[int], epochs: Sequence[int | None]) -> str:
    """Return how the spikes come again, in words; empty when by chance."""
    apart = {b - a for a, b in pairwise(steps)}
    if len(apart) == 1 and min(apart) >= PERIOD:
        return f"every {min(apart)} steps"
    passes = [epoch for epoch in epochs if epoch is not None]
    if len(passes) == len(steps) >= PASSES and all(b - a == 1 for a, b in pairwise(passes)):
        return "once in each pass over the data"
    return ""
