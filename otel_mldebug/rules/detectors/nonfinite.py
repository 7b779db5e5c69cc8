"""Loss or gradients that are NaN or infinite: what steps alone can say. `origin` says more where tensors were seen."""

import math
from collections.abc import Sequence

from otel_mldebug.rules.detectors.history import history, spell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

QUIET_STEPS = 20
"""Steps without a non-finite value after which the trouble counts as over."""
SKIPS_IN_A_ROW = 20
"""Steps that a gradient scaler may skip in a row: halving the scale this often takes it from 65536 to 0.06."""


def nonfinite_loss(window: Sequence[StepRecord]) -> Finding | None:
    """Fire while the loss was NaN or infinite in one of the last `QUIET_STEPS` steps."""
    bad = [r for r in list(window)[-QUIET_STEPS:] if r.loss is not None and not math.isfinite(r.loss)]
    if not bad:
        return None
    first = bad[0]
    return Finding(
        rule="loss.nonfinite",
        category=Category.LOSS,
        severity=Severity.CRITICAL,
        summary=f"The loss is {spell(first.loss or 0.0)} at step {first.index}.",
        cause="A value overflowed or an operation was undefined in the forward pass; where could not be seen in time.",
        solutions=(
            "Check the batch of this step and the weights before it for NaN and infinite values.",
            "Lower the learning rate, or warm it up, if loss or gradient norm grew in the steps before.",
            "Clip gradients, with torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).",
        ),
        prevention="Clip gradients, and guard logarithms, divisions and square roots with a small epsilon.",
        confidence=0.95,
        basis="detector",
        evidence={"step": first.index, **history([r for r in window if r.index < first.index])},
    )


def nonfinite_gradient(window: Sequence[StepRecord]) -> Finding | None:
    """Fire while gradients that an optimizer used were non-finite in one of the last `QUIET_STEPS` steps.

    Steps that a gradient scaler skipped are how it finds its scale, unless it skips `SKIPS_IN_A_ROW` of them.
    """
    recent = list(window)[-QUIET_STEPS:]
    skips = len(recent) >= SKIPS_IN_A_ROW and all(r.skipped for r in recent)
    bad = [r for r in recent if r.gradient_norm is not None and not math.isfinite(r.gradient_norm)]
    bad = [r for r in bad if skips or not r.skipped]
    if not bad and not skips:
        return None
    first = bad[0] if bad else recent[0]
    if skips:
        first = _first_in_a_row(window)
        summary = f"The gradient scaler has skipped every step since step {first.index}: nothing is learned."
    else:
        summary = f"The gradient norm is {spell(first.gradient_norm or math.nan)} at step {first.index}."
    return Finding(
        rule="gradient.nonfinite",
        category=Category.GRADIENT,
        severity=Severity.CRITICAL,
        summary=summary,
        cause="An operation has no finite derivative at the value it got, or the gradients overflowed.",
        solutions=(
            "Look for sqrt, norm, division, log or pow at or near zero, and add a small epsilon inside.",
            "Lower the learning rate and clip gradients, if the norm grew in the steps before.",
            "Use bfloat16 instead of float16 for mixed precision.",
        ),
        prevention="Keep epsilons inside of roots and denominators; clip gradients.",
        confidence=0.95,
        basis="detector",
        evidence={"step": first.index, **history([r for r in window if r.index < first.index])},
    )


def _first_in_a_row(window: Sequence[StepRecord]) -> StepRecord:
    """Return the first of the steps at the end of the window that were all skipped."""
    first = window[-1]
    for record in reversed(window):
        if not record.skipped:
            break
        first = record
    return first
