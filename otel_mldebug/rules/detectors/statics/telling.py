"""How findings about the structure of a program are made, and when what a look shows has lasted."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.semconv.names import Category, Severity

T = TypeVar("T")


def lasting(looks: Sequence[Look], judge: Callable[[Look], T | None], *, least: int = 1) -> tuple[Look, T] | None:
    """Return the first of the latest `least` looks, and what `judge` says of the latest, if it says so of all of them.

    Args:
        looks: Oldest first.
        judge: Returns None where a look is fine.
        least: How many looks in a row, 1 or more.
    """
    if len(looks) < least:
        return None
    found = None
    for look in reversed(looks[-least:]):
        verdict = judge(look)
        if verdict is None:
            return None
        found = verdict if found is None else found
    return (looks[-least], found) if found is not None else None


def tell(
    rule: str,
    severity: Severity,
    look: Look,
    summary: str,
    *,
    category: Category,
    cause: str,
    solutions: tuple[str, ...],
    prevention: str,
    confidence: float,
    layer: str = "",
    **evidence: Value,
) -> Finding:
    """Make a finding that belongs to the step of `look`."""
    known: dict[str, Value] = {"step": look.step}
    if layer:
        known["layer"] = layer
    return Finding(
        rule=rule,
        category=category,
        severity=severity,
        summary=summary,
        cause=cause,
        solutions=solutions,
        prevention=prevention,
        confidence=confidence,
        basis="detector",
        evidence={**known, **evidence},
    )


def at(layer: str) -> str:
    """Return ` of fc2`, or nothing when the layer is not known."""
    return f" of {layer}" if layer else ""


def sizes(shape: tuple[int, ...]) -> str:
    """Return a shape as people write it: `(32, 1)`."""
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"
