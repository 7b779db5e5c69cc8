"""Loss and gradient norm that leave their range for good, still finite."""

import math
from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.detectors.nonfinite import history
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LATEST = 8
"""Steps that have to be out of range, all of them."""
REFERENCE = 8
"""Steps before them that are needed to know the range, at least."""


def loss_explosion(window: Sequence[StepRecord], *, factor: float = 100.0, norm_factor: float = 10.0) -> Finding | None:
    """Fire when the loss has left its range upwards and the gradients with it.

    All of the last `LATEST` losses must exceed `factor` times the largest absolute loss of the window before them, and
    the gradient norms, where known, `norm_factor` times the largest norm before them. One spike does not fire, nor
    does a loss that grows slowly: the window moves along with it.

    Args:
        window: Steps of one optimizer, oldest first.
        factor: Above 1.
        norm_factor: Above 1.
    """
    return _explosion(window, "loss", factor=factor, norm_factor=norm_factor)


def exploding_gradients(window: Sequence[StepRecord], *, factor: float = 1000.0) -> Finding | None:
    """Fire when the last `LATEST` gradient norms all exceed `factor` times the largest norm of the window before.

    Args:
        window: Steps of one optimizer, oldest first.
        factor: Above 1.
    """
    norms = [(r.index, r.gradient_norm) for r in window if _finite(r.gradient_norm) and not r.skipped]
    if len(norms) < LATEST + REFERENCE:
        return None
    before = max(norm or 0.0 for _, norm in norms[:-LATEST])
    now = [norm or 0.0 for _, norm in norms[-LATEST:]]
    if before <= 0 or min(now) <= factor * before:
        return None
    first = norms[-LATEST][0]
    return Finding(
        rule="gradient.explosion",
        category=Category.GRADIENT,
        severity=Severity.ERROR,
        summary=f"The gradient norm grew {median(now) / before:,.0f} times since step {first}, to {now[-1]:.3g}.",
        cause="Each update makes the next gradient larger: the learning rate is too high for this part of training, "
        "or nothing bounds activations or recurrence.",
        solutions=(
            "Clip gradients, with torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).",
            "Lower the learning rate by a factor of 3 to 10, and warm it up over the first few hundred steps.",
            "Check normalisation and initialisation of the layers with the largest gradients.",
        ),
        prevention="Clip gradients from the start and watch their norm.",
        confidence=0.85,
        basis="detector",
        evidence={"step": first, "norm_before": before, "factor": median(now) / before, **history(window)},
    )


def _explosion(window: Sequence[StepRecord], what: str, *, factor: float, norm_factor: float) -> Finding | None:
    steps = [r for r in window if _finite(r.loss)]
    if len(steps) < LATEST + REFERENCE:
        return None
    earlier, latest = steps[:-LATEST], steps[-LATEST:]
    before = max(abs(r.loss or 0.0) for r in earlier)
    now = [r.loss or 0.0 for r in latest]
    if before <= 0 or min(now) <= factor * before:
        return None
    norms_before = [r.gradient_norm or 0.0 for r in earlier if _finite(r.gradient_norm)]
    norms_now = [r.gradient_norm or 0.0 for r in latest if _finite(r.gradient_norm)]
    if norms_before and norms_now and min(norms_now) <= norm_factor * max(norms_before):
        return None
    first = latest[0].index
    return Finding(
        rule="loss.explosion",
        category=Category.LOSS,
        severity=Severity.ERROR,
        summary=f"The {what} has grown {median(now) / before:,.0f} times since step {first}, to {now[-1]:.3g}: "
        "training diverges.",
        cause="The updates overshoot: the learning rate is too high, or the scale of loss or inputs changed.",
        solutions=(
            "Lower the learning rate by a factor of 3 to 10, and warm it up over the first few hundred steps.",
            "Clip gradients, with torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).",
            "Look at the batches around this step: inputs or targets may have left their usual range.",
        ),
        prevention="Find the largest stable learning rate with a short range test before a long run.",
        confidence=0.85 if norms_now else 0.7,
        basis="detector",
        evidence={"step": first, "largest_loss_before": before, "factor": median(now) / before, **history(window)},
    )


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
