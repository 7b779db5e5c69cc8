"""The nouns of measuring: a reading, and the probe that makes it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from otel_mldebug.semconv.metric import Metric


class Reading(NamedTuple):
    """One measured value, in the unit of its `metric`. What cannot be had has no reading; it is never 0 instead."""

    metric: Metric
    value: float
    attributes: Mapping[str, str | int]


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Probe:
    """Something that can be measured again and again.

    Attributes:
        name: What it measures, as a phrase that fits after "read", such as "the GPUs".
        metrics: The metrics that its readings can have.
        read: Takes the readings. May be slow and may raise: it runs in a thread of its own. None: it is of no use to
            ask again.
        close: Releases what it holds.
    """

    name: str
    metrics: tuple[Metric, ...]
    read: Callable[[], Iterable[Reading] | None]
    close: Callable[[], None] = _nothing


def late(name: str, metrics: tuple[Metric, ...], make: Callable[[], Probe | None]) -> Probe:
    """Return a probe that is made when it is read first, in the thread of its sampler: finding out may take long.

    Args:
        name: As in `Probe`.
        metrics: As in `Probe`.
        make: Makes the probe; None when there is nothing to measure.
    """
    made: list[Probe | None] = []

    def read() -> Iterable[Reading] | None:
        if not made:
            made.append(make())
        return None if made[0] is None else made[0].read()

    def close() -> None:
        if made and made[0] is not None:
            made[0].close()

    return Probe(name, metrics, read, close)
