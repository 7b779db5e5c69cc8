"""Finds the exceptions worth explaining in a chain or a group of them."""

from otel_mldebug.rules.facts import ErrorFacts

MAX_LINKS = 64


def links(facts: ErrorFacts) -> tuple[ErrorFacts, ...]:
    """Return the chain, root cause first, the exception itself last."""
    found: list[ErrorFacts] = []
    current: ErrorFacts | None = facts
    while current is not None and len(found) < MAX_LINKS:
        found.append(current)
        current = current.group[0] if current.cause is None and current.group else current.cause
    return tuple(reversed(found))
