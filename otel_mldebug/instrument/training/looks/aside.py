"""Losses that a step computes and leaves out of its backward pass."""

from collections.abc import Iterable, Sequence
from typing import Any

from otel_mldebug.instrument.training.tensors.graph import Node

MOST_NODES = 4000
"""Nodes of their graphs that are visited."""


def aside(computed: Iterable[Any], nodes: Sequence[Node]) -> set[int]:
    """Return the identities of the leaves that losses depend on which are not among `nodes`.

    Args:
        computed: Weak references to values of loss functions; those that are gone were nobody's objective.
        nodes: The graph that backward was called on.
    """
    values = [value for one in computed if (value := one()) is not None]
    known = {node.function for node in nodes} if values else set()
    left = [value.grad_fn for value in values if value.grad_fn not in known]
    seen: set[Any] = set(left)
    found: set[int] = set()
    while left and len(seen) < MOST_NODES:
        function = left.pop()
        if (leaf := getattr(function, "variable", None)) is not None:
            found.add(id(leaf))
        for one, _ in function.next_functions:
            if one is not None and one not in seen:
                seen.add(one)
                left.append(one)
    return found
