"""Curves to judge: what losses, rates and times of programs look like, as records."""

import random
from collections.abc import Sequence
from typing import Any

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.steps import StepRecord


def course(losses: Sequence[float | None], norms: Sequence[float | None] = (), rates: Any = 0.1, **same: Any) -> Course:
    """Return the course of these losses, a step each; `rates` is one learning rate or one for each step."""
    out = Course()
    for i, loss in enumerate(losses):
        out.append(
            StepRecord(
                index=i,
                time_ns=i * 10**7,
                duration_s=0.01,
                loss=loss,
                gradient_norm=norms[i] if i < len(norms) else None,
                learning_rate=rates if isinstance(rates, float) else rates[i],
                **same,
            )
        )
    return out


def falling(n: int, first: float = 2.3, last: float = 0.2, noise: float = 0.05, seed: int = 0) -> list[float]:
    """Return a loss that falls exponentially from `first` to `last`, with noise relative to its level."""
    rng = random.Random(seed)
    return [(last + (first - last) * 0.5 ** (i / (n / 6))) * rng.lognormvariate(0, noise) for i in range(n)]
