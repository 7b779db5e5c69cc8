"""An optimizer that never steps."""

from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv.names import Category, Severity


def never_stepped(kind: str, backward_calls: int, *, cleared: bool = True) -> Finding:
    """Return what is said of an optimizer that was made and has not stepped.

    Args:
        kind: Class of the optimizer.
        backward_calls: How many there have been, at least 1; the weights are still the same.
        cleared: Whether the gradients were zero before several of them; else they pile up, and the program has ended.
    """
    return Finding(
        rule="optimizer.never_steps",
        category=Category.OPTIMIZATION,
        severity=Severity.ERROR,
        summary=f"{kind} has not stepped in {backward_calls} backward calls, "
        + ("although gradients are set to zero in between" if cleared else "up to the end of the program")
        + ": nothing is learned.",
        cause="optimizer.step() is missing, stands behind a condition that is never met, or outside of the loop."
        + ("" if cleared else " Accumulation over more batches than an epoch has never gets to its step."),
        solutions=(
            "Call optimizer.step() after loss.backward(), once for each batch (or for each accumulated group of them).",
            "If a condition decides when to step, print how often it is met.",
        ),
        prevention="Assert in a test that a weight has changed after one pass of the loop.",
        confidence=0.9 if cleared else 0.8,
        basis="detector",
        evidence={"step": 0, "optimizer": kind, "backward_calls": backward_calls},
    )
