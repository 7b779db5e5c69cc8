"""What watching costs, exported: `mldebug.self.time` and `mldebug.self.cost`."""

from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otel_mldebug.instrument.budget import Budget, process
from otel_mldebug.semconv import names

_NS_PER_S = 1e9

_sources: list[Callable[[], float]] = []


def add_source(read: Callable[[], float]) -> None:
    """Add something that costs without being paid from the budget; `read` returns nanoseconds so far."""
    if read not in _sources:
        _sources.append(read)


def observe(meter: Meter, budget: Budget | None = None) -> None:
    """Register both instruments with `meter`."""
    paid_from = budget or process()

    def time(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(spent_ns(paid_from) / _NS_PER_S)

    def cost(_: CallbackOptions) -> Iterable[Observation]:
        if paid_from.watched_ns > 0:  # a share of nothing is unknown
            yield Observation(spent_ns(paid_from) / paid_from.watched_ns)

    metric = names.MLDEBUG_SELF_TIME
    meter.create_observable_counter(metric.name, [time], unit=metric.unit, description=metric.brief)
    metric = names.MLDEBUG_SELF_COST
    meter.create_observable_gauge(metric.name, [cost], unit=metric.unit, description=metric.brief)


def spent_ns(budget: Budget) -> float:
    """Return all that watching has cost: what was paid for, and the sources."""
    return budget.spent_ns + sum(read() for read in list(_sources))
