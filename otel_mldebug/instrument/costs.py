"""What watching costs, exported: `mldebug.self.time` and `mldebug.self.cost`."""

from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otel_mldebug.instrument.budget import Budget, process
from otel_mldebug.semconv import names

_NS_PER_S = 1e9

_sources: list[Callable[[], float]] = []
_background: list[Callable[[], float]] = []


def add_source(read: Callable[[], float], *, background: bool = False) -> None:
    """Add something that costs without being paid from the budget.

    Args:
        read: Returns nanoseconds so far.
        background: It goes on whether or not watched code runs, and is no share of that code's time.
    """
    sources = _background if background else _sources
    if read not in sources:
        sources.append(read)


def observe(meter: Meter, budget: Budget | None = None) -> None:
    """Register both instruments with `meter`."""
    paid_from = budget or process()

    def time(_: CallbackOptions) -> Iterable[Observation]:
        elsewhere_ns = sum(read() for read in list(_background))
        yield Observation((spent_ns(paid_from) + elsewhere_ns) / _NS_PER_S)

    def cost(_: CallbackOptions) -> Iterable[Observation]:
        if paid_from.watched_ns > 0:  # a share of nothing is unknown
            yield Observation(spent_ns(paid_from) / paid_from.watched_ns)

    metric = names.MLDEBUG_SELF_TIME
    meter.create_observable_counter(metric.name, [time], unit=metric.unit, description=metric.brief)
    metric = names.MLDEBUG_SELF_COST
    meter.create_observable_gauge(metric.name, [cost], unit=metric.unit, description=metric.brief)


def spent_ns(budget: Budget) -> float:
    """Return what watching code has cost: what was paid for, and the sources that belong to it."""
    return budget.spent_ns + sum(read() for read in list(_sources))
