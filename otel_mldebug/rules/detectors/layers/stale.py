"""Gradients that nobody sets to zero between the steps of an optimizer."""

import math
from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOOKS = 3
"""Looks in a row that found old gradients. Accumulation over several backward calls has none at its first one."""
STEPS = 5
"""Steps between the first and the last of them, at least."""


def kept_gradients(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when each of the latest looks found the gradients of earlier steps still there.

    Source: PyTorch documentation, "Zeroing out gradients"; Optimizer.zero_grad.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    known = [look for look in looks if look.stale is not None]
    row = 0
    for look in reversed(known):
        if not look.stale:
            break
        row += 1
    if row < LOOKS or known[-1].step - known[-row].step < STEPS:
        return None
    first = known[-row].step
    grown = _growth(steps, first)
    evidence: dict[str, Value] = {"step": first, "looks": row}
    if grown is not None:
        evidence["gradient_norm_growth"] = grown
    return Finding(
        rule="gradient.not_zeroed",
        category=Category.GRADIENT,
        severity=Severity.ERROR,
        summary="Gradients are never set to zero: each step uses the sum of those of all steps before it"
        + (f", {grown:.2g} times as large by now." if grown is not None and grown >= 2 else "."),
        cause="The loop calls backward and step, and zero_grad is missing, is called on another optimizer or model, or "
        "comes between backward and step of another one.",
        solutions=(
            "Call optimizer.zero_grad() once in each step, before backward.",
            "If gradients are accumulated on purpose, set them to zero after each optimizer.step().",
        ),
        prevention="Keep zero_grad, backward and step next to each other in one function.",
        confidence=0.95 if grown is not None and grown >= 2 else 0.85,
        basis="detector",
        evidence=evidence,
    )


def _growth(steps: Sequence[StepRecord], first: int) -> float | None:
    """Return the median of the latest gradient norms over that of the first ones; None if they are not known."""
    norms = [
        r.gradient_norm
        for r in steps
        if r.index >= first - 1 and r.gradient_norm is not None and math.isfinite(r.gradient_norm)
    ]
    if len(norms) < 6 or not median(norms[:3]) > 0:
        return None
    return median(norms[-3:]) / median(norms[:3])
