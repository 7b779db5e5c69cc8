"""Steps and weights out of proportion all along: steps that never get smaller, weights too large to be moved."""

from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.detectors.layers.reading import layers_of, listed, matrices, own_name, progress
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOOKS, FROM, STEPS = 6, 50, 500
"""Latest looks that have to show restless steps, the first step of them, and steps from the first of them to the last:
momentum and high rates are usual in the first steps."""
RESTLESS, WORST = 0.03, 0.15
"""Update over weight in each of them, in the median over the layers and of the layer with most of it. About 0.001 is
usual (Karpathy, "CS231n: ratio of weights to updates"); of gradient descent it falls with the gradients."""
RECENT, LEFT = (0.97, 1.5), 0.3
"""What is left of the loss since the first third, from and up to, and since the beginning: it has got stuck on the
way, and has not been low before."""
DESCENT = ("SGD", "ASGD", "NAG")
HUGE, MOVED, MOVED_STEPS = 10.0, 1e-4, 200
"""Standard deviation of weights, update over weight in each look, and steps since the first one, of weights that are
too large: about 1 is the most that PyTorch draws. Features that are fixed (random Fourier features) are larger, and not
trained."""
TABLES_LEFT = 0.8
"""Share of the first loss that must be left."""


def restless_weights(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when gradient descent goes on to change weights by a good part of their size, and gets nowhere.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    late = [look for look in looks if look.step - look.began >= FROM][-LOOKS:]
    if len(late) < LOOKS or late[-1].step - late[0].step < STEPS or looks[-1].optimizer_kind not in DESCENT:
        return None
    ratios = [[p.update_ratio for p in matrices(look) if p.update_ratio is not None] for look in late]
    if not all(found and median(found) >= RESTLESS and max(found) >= WORST for found in ratios):
        return None
    known = progress(looks, steps)
    if known.left is None or known.recent is None or known.left < LEFT or not RECENT[0] <= known.recent <= RECENT[1]:
        return None
    worst = max(matrices(late[-1]), key=lambda p: p.update_ratio or 0.0)
    usual = median(median(found) for found in ratios)
    rate = worst.learning_rate or 0.0
    return Finding(
        rule="learning_rate.too_high",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"Each step still changes the weights by {usual:.2g} times their size, and those of "
        f"{own_name(worst)} by {worst.update_ratio:.2g}, as it did "
        f"{late[-1].step - late[0].step} steps ago, and the loss swings without getting lower: the learning rate of "
        f"{rate:g} is too high.",
        cause="Steps of this size jump to and fro over the minimum, so the loss cannot settle. About 0.001 of the size "
        "of the weights is usual.",
        solutions=(
            "Lower the learning rate by a factor of 3 to 30, or by a schedule once the loss gets no lower.",
            "Lower the momentum: 0.9 makes steps ten times as large as the rate says.",
        ),
        prevention="Find the largest stable learning rate with a short range test before a long run.",
        confidence=0.75,
        basis="detector",
        evidence={
            "step": late[0].step,
            "layer": own_name(worst),
            "update_ratio": usual,
            "largest_update_ratio": worst.update_ratio or 0.0,
            "learning_rate": rate,
        },
    )


def immovable_weights(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when trained weights started so large that no step moves them, and little is learned.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    if looks[0].step > 0 or looks[-1].step < MOVED_STEPS:
        return None
    heavy = [p for p in looks[-1].parameters if _heavy(p)]
    stays = [p for p in heavy if all(_heavy(q) for look in looks for q in look.parameters if q.name == p.name)]
    known = progress(looks, steps)
    if not stays or known.left is None or known.left < TABLES_LEFT:
        return None
    layers = layers_of(stays)
    first = stays[0]
    size = first.weight.std if first.weight is not None else 0.0
    return Finding(
        rule="init.scale",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"The weights of {listed(layers)} are so large (standard deviation {size:.3g}) that a step changes "
        f"them by {first.update_ratio or 0.0:.1g} of their size: they stay as they were drawn, and "
        f"{known.left:.0%} of the first loss is left.",
        cause="They were drawn with a far too large standard deviation, and what they give is scaled down behind them.",
        solutions=(
            "Draw them with a standard deviation of 1 or less (0.02 in transformers), and leave the factor out.",
            "Or give them a learning rate that is as much higher.",
        ),
        prevention="Log the size of updates over the size of weights for each layer: about 0.001 is usual.",
        confidence=0.75,
        basis="detector",
        evidence={"step": 0, "layer": layers[0], "std": size, "update_ratio": first.update_ratio or 0.0},
    )


def _heavy(parameter: Parameter) -> bool:
    weight = parameter.weight
    return (
        parameter.trainable
        and parameter.optimized
        and len(parameter.shape) >= 2
        and bool(parameter.layer)
        and weight is not None
        and weight.std >= HUGE
        and (parameter.update_ratio is None or 0 < parameter.update_ratio <= MOVED)
    )
