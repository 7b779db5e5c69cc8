"""Networks that learn from what another one says of them, and learn nothing because it is too sure."""

import math
from collections.abc import Sequence

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOOKS, STEPS = 4, 100
"""Latest looks in which it has to be so, and steps (of all optimizers) from the first of them to the last."""
FALLEN, STARVED = 0.1, 0.02
"""Gradient norm over the largest of the beginning in each of them, and in the latest, at most."""
FIRST = 3
"""Looks that are the beginning."""
SURE = 0.01
"""Probability that the other network gives to each of the samples, at most. Source: Goodfellow et al., "Generative
adversarial nets", 2014, section 3: log(1 - D(G(z))) saturates when samples are rejected with high confidence."""
_SCORES = {
    "Sigmoid": "output",
    "BinaryCrossEntropyWithLogits": "operand",
    "LogSigmoid": "operand",
    "Softplus": "operand",
}


def starved_network(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when a network is trained through one of another optimizer that rejects all it makes, and gets no gradient.

    A loss that grows with each rejection (the non-saturating one, hinge, least squares) keeps its gradient.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    course = Course.of(steps)
    late = looks[-LOOKS:]
    if not course.shared or len(looks) < LOOKS + 1 or late[-1].step - late[0].step < STEPS:
        return None
    scores = [_score(look) for look in late]
    if any(score is None or score > SURE for score in scores):
        return None
    known = [_norm(look) for look in looks]
    begun = [r.gradient_norm for r in course.early[:FIRST] if r.gradient_norm is not None]
    top = max((norm for norm in (*known[:FIRST], *begun) if math.isfinite(norm)), default=0.0)
    if not top > 0 or not 0 < known[-1] <= STARVED * top or max(known[-LOOKS:]) > FALLEN * top:
        return None
    first = len(looks) - LOOKS
    while first > 0 and known[first - 1] <= FALLEN * top and (_score(looks[first - 1]) or 1.0) <= SURE:
        first -= 1
    mine, others = _mine(looks[-1]), _others(looks[-1])
    score = scores[-1] or 0.0
    return Finding(
        rule="gradient.starved",
        category=Category.GRADIENT,
        severity=Severity.WARNING,
        summary=f"{looks[-1].optimizer or 'An optimizer'} gets no gradient any more: its norm has fallen from "
        f"{top:.2g} to {known[-1]:.2g}, since {others[0].layer} gives at most {score:.1g} to each sample it is to "
        "like. The generator starves, the discriminator is too strong.",
        cause="The other network rejects every sample with certainty, where the loss log(1 - D(G(z))) is flat: it "
        "learns too fast (more steps, a higher rate, more capacity), or has won for good.",
        solutions=(
            "Use the non-saturating loss: minimise -log D(G(z)), binary_cross_entropy_with_logits(D(G(z)), ones).",
            "Weaken the discriminator: one step of it for each step of the generator, a lower learning rate, label "
            "smoothing (0.9), dropout or noise at its input.",
            "Use a loss that does not saturate (hinge, least squares), or a Wasserstein critic with gradient penalty.",
        ),
        prevention="Log D(x) and D(G(z)): both should stay away from 1 and 0.",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": looks[first].step,
            "layer": mine[0].layer,
            "judged_by": others[0].layer,
            "largest_norm_before": top,
            "gradient_norm": known[-1],
            "highest_score": score,
        },
    )


def _mine(look: Look) -> list[Parameter]:
    """Return what the step has updated: an update is measured of the optimizer's own parameters only."""
    return [p for p in look.parameters if p.update_ratio is not None and p.gradient is not None and p.layer]


def _others(look: Look) -> list[Parameter]:
    """Return what belongs to another optimizer, and lies between the optimizer's own and the loss."""
    layers = {p.layer for p in look.parameters if p.update_ratio is not None}
    return [p for p in look.parameters if p.reached and p.optimized and p.layer and p.layer not in layers]


def _norm(look: Look) -> float:
    return math.hypot(*(p.gradient.norm for p in _mine(look) if p.gradient is not None))


def _score(look: Look) -> float | None:
    """Return the highest probability that the other network gives to a sample; None where none is seen."""
    layers = {p.layer for p in _others(look)}
    if not layers or not _mine(look):
        return None
    scored = [op for op in look.operations if op.kind in _SCORES and op.layer in layers]
    stats = getattr(scored[-1], _SCORES[scored[-1].kind]) if scored else None
    if stats is None or stats.nonfinite:
        return None
    return stats.high if scored[-1].kind == "Sigmoid" else 1 / (1 + math.exp(min(700.0, -stats.high)))
