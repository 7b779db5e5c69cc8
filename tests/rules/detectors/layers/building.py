"""Looks as a healthy small network would give them, and what to change about them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from otel_mldebug.rules.looks import Look, Operation, Parameter, Stats
from otel_mldebug.rules.steps import StepRecord

AT = (0, 1, 2, 4, 8, 16, 32, 64)
"""Steps that are usually looked at."""


def stats(size: int = 4096, std: float = 0.05, **other: Any) -> Stats:
    """Return statistics of numbers around 0 with a standard deviation."""
    given = {"norm": std * math.sqrt(size), "mean": 0.0, "std": std, "low": -3 * std, "high": 3 * std, **other}
    return Stats(size=size, **given)


def weight(layer: str, shape: tuple[int, ...] = (64, 64), *, relative: float = 0.01, **other: Any) -> Parameter:
    """Return a weight whose gradient is `relative` times as large as itself; it changes by a thousandth a step."""
    size = math.prod(shape)
    given: dict[str, Any] = {
        "name": f"{layer}.weight",
        "layer": layer,
        "module": "Linear",
        "shape": shape,
        "dtype": "float32",
        "reached": True,
        "weight": stats(size),
        "gradient": stats(size, 0.05 * relative),
        "update_ratio": 1e-3,
        "learning_rate": 1e-3,
    }
    return Parameter(**{**given, **other})


def uniform(shape: tuple[int, ...] = (64, 64)) -> Stats:
    """Return what a weight looks like that PyTorch drew and nothing has trained."""
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    return stats(math.prod(shape), bound / math.sqrt(3), low=-0.999 * bound, high=0.999 * bound)


def looks(parameters: Sequence[Parameter], at: Iterable[int] = AT, **same: Any) -> list[Look]:
    """Return one look at each of the steps; parameters have changed since the one before, unless they say otherwise."""
    found = []
    for number, step in enumerate(at):
        seen = [
            replace(p, changed=None if number == 0 else True if p.changed is None else p.changed) for p in parameters
        ]
        found.append(Look(step=step, time_ns=step, parameters=tuple(seen), **same))
    return found


def chain(*kinds: tuple[str, str] | Operation) -> tuple[Operation, ...]:
    """Return operations each of which takes the result of the one before, given by kind and layer."""
    made = []
    for place, given in enumerate(kinds):
        op = given if isinstance(given, Operation) else Operation(kind=given[0], layer=given[1])
        made.append(replace(op, inputs=(place - 1,) if place else ()))
    return tuple(made)


def steps(losses: Sequence[float], norms: Sequence[float] | None = None, **same: Any) -> list[StepRecord]:
    """Return one record for each loss."""
    found = norms if norms is not None else [1.0] * len(losses)
    return [
        StepRecord(index=i, time_ns=i, duration_s=0.01, loss=loss, gradient_norm=norm, **same)
        for i, (loss, norm) in enumerate(zip(losses, found, strict=True))
    ]


FLAT = steps([2.3 + 0.01 * (i % 3) for i in range(65)])
"""A loss that does not fall."""
FALLING = steps([2.3 * 0.97**i for i in range(65)])
"""One that does."""
NET = [weight("fc1"), weight("fc2"), weight("fc3"), weight("fc4"), weight("fc5"), weight("out", (10, 64))]
