"""Updates that are too small to get anywhere: damped by epsilon, or too few of them for their size."""

import math
from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.detectors.clipping import blame_clipping, clipped_norm
from otel_mldebug.rules.detectors.layers.reading import fresh, layers_of, matrices, progress
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOOKS = 3
ADAPTIVE = frozenset(("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta"))
"""Optimizers that divide gradients by their size plus an epsilon."""
DAMPED, DAMPED_STEPS = 50.0, 60
"""How many times larger than gradients the epsilon is that sets the size of updates alone, and steps in which the loss
could have fallen. The default is 1e-8, and 1e-3 to 1 was proposed for networks whose gradients are as large. Source:
https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html."""
TRAVEL, TRAVEL_STEPS = 0.005, 150
"""How far all updates of a run can have moved the weights if all went one way, as a share of their size; and its
steps, at least. About 0.001 for each step is usual. Source: Karpathy, "CS231n: ratio of weights to updates"."""
LEFT = 0.97
"""Share of the first loss that must be left."""
CLIPPED, CLIPPED_RATIO, CLIPPED_STEPS, CLIPPED_LEFT = 0.02, 1e-3, 300, 0.9
"""The same where gradient descent sees nothing but gradients clipped to a norm that nobody chooses, which is known
without the sum of all updates; and the largest update over weight then, at most the usual one."""
EARLY = 5


def damped_updates(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when the epsilon of an adaptive optimizer outweighs the gradients, and the loss has hardly fallen.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    known = progress(looks, steps)
    late = looks[-LOOKS:]
    if len(late) < LOOKS or known.steps < DAMPED_STEPS or looks[-1].optimizer_kind not in ADAPTIVE:
        return None
    if known.left is None or known.left < 0.9:
        return None
    factors = [factor for look in late if (factor := _damping(look)) is not None]
    if len(factors) < LOOKS or min(factors) < DAMPED:
        return None
    epsilon = max(p.epsilon for p in matrices(looks[-1]))
    return Finding(
        rule="optimizer.epsilon",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"The epsilon of {looks[-1].optimizer or 'the optimizer'} is {epsilon:g}, {median(factors):,.0f} times "
        f"the size of the gradients: it makes updates that much smaller, and {known.left:.0%} of the loss are left.",
        cause="Adaptive optimizers divide the gradient by its size plus epsilon. With an epsilon far above the "
        "gradients they are gradient descent with a tiny rate.",
        solutions=(
            "Leave eps at its default of 1e-8, or use 1e-6 to 1e-4 with half precision.",
            "Check the order of the arguments: Adam(params, lr, betas, eps).",
        ),
        prevention="Pass settings of optimizers by name.",
        confidence=0.85,
        basis="detector",
        evidence={"step": looks[0].step, "epsilon": epsilon, "times_gradient": median(factors)},
    )


def hardly_moved(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when all updates of a run that is over could not move the weights, and the loss is where it was.

    Or when clipping has held all of them below what is usual, and the loss has hardly fallen.

    Weights that were trained before do not count: fine-tuning moves them by little on purpose.

    Args:
        looks: Of one optimizer, oldest first. The first one has to be of the start.
        steps: Its latest ones.
    """
    known = progress(looks, steps)
    if looks[0].step > EARLY or known.steps < TRAVEL_STEPS or known.left is None or known.left < CLIPPED_LEFT:
        return None
    clipped = clipped_norm(steps)
    ratios = [ratio for look in looks if (ratio := _ratio(look)) is not None]
    rates = [p.learning_rate for look in (looks[0], looks[-1]) for p in matrices(look)[:1] if p.learning_rate]
    drawn = [p for p in matrices(looks[0]) if fresh(p)]
    if len(ratios) < LOOKS or len(rates) < 2 or rates[1] > 1.001 * rates[0] or 2 * len(drawn) < len(matrices(looks[0])):
        return None
    travel = max(ratios) * known.steps
    held = clipped is not None and clipped <= CLIPPED and max(ratios) < CLIPPED_RATIO and known.steps >= CLIPPED_STEPS
    if not travel > 0 or not (held or (travel < TRAVEL and known.left >= LEFT)):
        return None
    cause, solutions = blame_clipping(
        clipped,
        "Updates are orders of magnitude below what changes anything in so many steps: a low rate, a loss or a "
        "gradient that was made small, or an output whose gradients are small by nature.",
        (
            "Raise the learning rate: try 100 to 10,000 times as much (Adam: 1e-3, SGD: 1e-2 to 1e-1).",
            "Check that neither clipping nor a factor of the loss makes the gradients that small.",
        ),
    )
    reason = (
        f"clipping gradients to a norm of {clipped:g} is far too strong for this run, at a learning rate of "
        f"{rates[1]:.3g}."
        if clipped is not None
        else f"the learning rate of {rates[1]:g} is far too low for this run."
    )
    return Finding(
        rule="learning_rate.too_low",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"In {known.steps} steps the updates added up to {travel:.2g} of the weights at most, and "
        f"{known.left:.0%} of the loss are left: {reason}",
        cause=cause,
        solutions=solutions,
        prevention="Look at the ratio of update to weight: about 1e-3 is usual.",
        confidence=0.8,
        basis="detector",
        evidence={
            "step": looks[0].step,
            "layer": layers_of(drawn)[0],
            "update_ratio": median(ratios),
            "learning_rate": rates[1],
            "steps": known.steps,
            **({"clipped_to": clipped} if clipped is not None else {}),
        },
    )


def _damping(look: Look) -> float | None:
    """Return how many times the epsilon is larger than gradients, in the median over the weights; None if unknown."""
    factors = [p.epsilon / size for p in matrices(look) if p.epsilon > 0 and (size := _gradient(p))]
    return median(factors) if factors else None


def _gradient(parameter: Parameter) -> float | None:
    """Return the root of the mean square of a gradient's elements; None where there is none, or it is 0."""
    stats = parameter.gradient
    if stats is None or not stats.size or not math.isfinite(stats.norm) or stats.norm <= 0:
        return None
    return stats.norm / math.sqrt(stats.size)


def _ratio(look: Look) -> float | None:
    """Return the largest update over weight of all layers; None where none was measured."""
    ratios = [p.update_ratio for p in matrices(look) if p.update_ratio is not None and p.weight and p.weight.zero < 0.5]
    return max(ratios, default=None)
