"""Gradients that vanish or explode from the last layer of a network to its first one."""

import math
from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.detectors.layers.reading import Progress, layers_of, matrices, progress
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LAYERS = 4
"""Layers with a gradient that are needed to speak of a profile."""
DECADES = 3.0
"""Powers of ten between late and early layers. Source: AutoTrainer (ICSE 2021) fires at a ratio of 1e-3 between
neighbours that pass gradients on; residual and normalised networks stay within two powers of ten."""
CERTAIN = 6.0
"""Powers of ten from which the loss need not be known to be stuck: no learning rate serves both ends."""
ORDERED = 0.7
"""Rank correlation of depth and gradient that makes it a profile rather than one odd layer."""
LOOKS = 3
STEPS = 40
"""Looks with the profile, and steps that the loss has had to fall."""
COLLAPSE = 1e-5
"""Latest gradient norm over the largest early one, from which gradients count as gone."""


def vanishing_profile(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when the gradients of early layers are orders of magnitude below those of late ones, look after look.

    Gradients are taken relative to the weights, and those that are exactly 0 are left out: zero-initialised residual
    branches and LoRA adapters have them on purpose, and dead layers are another trouble. What such a branch passes on
    in the first steps is next to nothing as well, and grows with its weights: there the loss must be known to be stuck.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    drops = [drop(look) for look in looks[-LOOKS:]]
    if min(drops) < DECADES:
        return None
    known = progress(looks, steps)
    certain = not _falls(known) and not any(p.weight is not None and p.weight.norm == 0 for p in matrices(looks[0]))
    for limit, fits in ((CERTAIN, certain), (DECADES, known.stuck and known.steps >= STEPS)):
        if fits and len(drops) >= LOOKS and min(drops) >= limit:
            return _finding(looks, [drop(look) for look in looks], limit, known)
    return None


def exploding_profile(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when the gradients of early layers are orders of magnitude above those of late ones, look after look.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    drops = [drop(look) for look in looks[-LOOKS:]]
    if len(drops) < LOOKS or max(drops) > -DECADES or not progress(looks, steps).stuck:
        return None
    weights = matrices(looks[-1])
    if max((relative(p) or 0.0 for p in weights), default=0.0) < 1:
        return None
    layers = layers_of(weights)
    factor = 10 ** min(300.0, -drops[-1])
    return Finding(
        rule="gradient.exploding",
        category=Category.GRADIENT,
        severity=Severity.WARNING,
        summary=f"Gradients grow {factor:.2g} times from the last layer back to {layers[0]}, larger than the weights.",
        cause="Each layer passes on a larger gradient than it gets: weights are too large for the depth.",
        solutions=(
            "Initialise for the depth: nn.init.kaiming_normal_ with ReLU, nn.init.xavier_uniform_ with tanh.",
            "Add normalisation layers or residual connections.",
            "Clip gradients, with torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).",
        ),
        prevention="Compare gradient norms of the first and the last layer in the first steps.",
        confidence=0.8,
        basis="detector",
        evidence={
            "step": _since(looks, [-drop(look) for look in looks], DECADES),
            "layer": layers[0],
            "factor": factor,
        },
    )


def vanished_gradients(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when the gradient norm has collapsed (`COLLAPSE`) while the loss is no lower than it was at the start.

    A loss that has fallen may rest at a noise floor, with gradients as small: that is convergence.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    known = progress(looks, steps)
    norms = [(r.index, r.gradient_norm) for r in steps if r.gradient_norm is not None and not r.skipped]
    if len(norms) < 2 * STEPS or known.left is None or known.left < 0.98 or norms[0][0] > STEPS:
        return None
    if not all(math.isfinite(norm) for _, norm in norms):
        return None
    top = max(norm for _, norm in norms[:STEPS])
    if top <= 0 or max(norm for _, norm in norms[-STEPS // 2 :]) > COLLAPSE * top:
        return None
    first = next(step for step, norm in norms if norm <= COLLAPSE * top)
    return Finding(
        rule="gradient.vanished",
        category=Category.GRADIENT,
        severity=Severity.ERROR,
        summary=f"The gradient norm has fallen from {top:.3g} to {norms[-1][1]:.3g}, and the loss is no lower than at "
        f"the start: training has come to a stop since step {first}.",
        cause="Units are dead or saturated: an early step was so large that nothing has a slope any more.",
        solutions=(
            "Lower the learning rate by a factor of 10, and warm it up.",
            "Clip gradients, with torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).",
            "Standardise inputs, and use activations that do not saturate (GELU, LeakyReLU).",
        ),
        prevention="Find the largest stable learning rate with a short range test before a long run.",
        confidence=0.8,
        basis="detector",
        evidence={"step": first, "largest_norm_before": top, "gradient_norm": norms[-1][1]},
    )


def relative(parameter: Parameter) -> float | None:
    """Return norm of the gradient over that of the weight; None where that says nothing."""
    weight, gradient = parameter.weight, parameter.gradient
    if weight is None or gradient is None or not weight.norm > 0 or not gradient.norm > 0:
        return None
    ratio = gradient.norm / weight.norm
    return ratio if 0 < ratio < math.inf and gradient.nonfinite == 0 and weight.nonfinite == 0 else None


def drop(look: Look, *, ends: bool = True) -> float:
    """Return powers of ten between the gradients of late layers and those of early ones; 0 without a profile.

    Gradients are taken relative to the weights. The number is negative where those of early layers are the larger ones.

    Args:
        look: Into one step.
        ends: Whether the first and the last layer count: what comes in and goes out may have a scale of its own.
    """
    known = [ratio for p in matrices(look) if (ratio := relative(p)) is not None]
    known = known if ends else known[1:-1]
    if len(known) < LAYERS:
        return 0.0
    logs = [math.log10(ratio) for ratio in known]
    if abs(_correlation(logs)) < ORDERED:
        return 0.0
    part = max(2, len(logs) // 4)  # one odd layer at an end is no profile
    late, early = median(logs[-part:]), logs[:part]
    return late - max(early) if late > max(early) else min(0.0, late - min(early))


def _correlation(values: Sequence[float]) -> float:
    """Return Spearman's rank correlation of the values with their places, -1 to 1."""
    n = len(values)
    order = sorted(range(n), key=lambda place: values[place])
    distance = sum((rank - place) ** 2 for rank, place in enumerate(order))
    return 1 - 6 * distance / (n * (n * n - 1)) if n > 1 else 0.0


def _falls(known: Progress) -> bool:
    return known.left is not None and known.left < 0.7


def _since(looks: Sequence[Look], drops: Sequence[float], limit: float) -> int:
    first = len(drops) - 1
    while first > 0 and drops[first - 1] >= limit:
        first -= 1
    return looks[first].step


def _finding(looks: Sequence[Look], drops: Sequence[float], limit: float, known: Progress) -> Finding:
    weights = [p for p in matrices(looks[-1]) if relative(p) is not None]
    first, last = weights[0], weights[-1]
    slopes = {op.kind for op in looks[-1].operations} & {"Sigmoid", "Tanh"}
    evidence: dict[str, Value] = {
        "step": _since(looks, drops, limit),
        "layer": layers_of(weights)[0],
        "ratio": 10 ** max(-300.0, -drops[-1]),
        "first_layer_gradient_over_weight": relative(first) or 0.0,
        "last_layer_gradient_over_weight": relative(last) or 0.0,
        "layers": len(weights),
    }
    if known.left is not None:
        evidence["loss_left"] = round(known.left, 4)
    return Finding(
        rule="gradient.vanishing",
        category=Category.GRADIENT,
        severity=Severity.ERROR if limit >= CERTAIN else Severity.WARNING,
        summary=f"Gradients vanish on their way back: those of {layers_of(weights)[0]} are {10 ** -drops[-1]:.1g} "
        f"times those of {layers_of(weights)[-1]}, relative to the weights, so early layers do not learn.",
        cause=(
            f"Each {' and '.join(sorted(s.lower() for s in slopes))} passes on a fraction of the gradient it gets, and "
            f"{len(weights)} layers multiply up."
            if slopes
            else f"Each of {len(weights)} layers passes on a fraction of the gradient it gets: weights are too small "
            "for the depth of the network."
        ),
        solutions=(
            "Use ReLU or GELU instead of sigmoid or tanh in hidden layers."
            if slopes
            else "Initialise with nn.init.kaiming_normal_(w, nonlinearity='relu').",
            "Add residual connections and normalisation layers (BatchNorm, LayerNorm).",
            "Use fewer layers.",
        ),
        prevention="Compare gradient norms of the first and the last layer in the first steps.",
        confidence=0.9 if limit >= CERTAIN else 0.8,
        basis="detector",
        evidence=evidence,
    )
