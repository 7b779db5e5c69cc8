"""The exact counts of watched functions as observable counters, and the histogram of the calls that the budget paid."""

from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

from otel_mldebug.instrument.functions.registry import watches
from otel_mldebug.instrument.functions.watch import Totals
from otel_mldebug.instrument.sink import Sink
from otel_mldebug.semconv import names
from otel_mldebug.semconv.metric import Metric

SCOPE = "otel_mldebug.functions"
_NS_PER_S = 1e9


class Instruments:
    """What one pipeline gave us.

    Attributes:
        tracer: For our spans.
        duration: The histogram of calls.
    """

    __slots__ = ("duration", "generation", "sink", "tracer")

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.tracer = sink.tracer(SCOPE)  # brings the pipeline into being, which may change the generation
        self.duration = observe(sink.meter(SCOPE))
        self.generation = sink.generation()

    def point(self, took_ns: int, function: str) -> None:
        """Record the duration of a call; with its span current, the point refers to it."""
        self.duration.record(took_ns / _NS_PER_S, {names.CODE_FUNCTION_NAME: function})


_latest: Instruments | None = None


def of(sink: Sink) -> Instruments:
    """Return the instruments of the pipeline behind `sink`; made once for each, and cheap from then on."""
    global _latest
    latest = _latest
    if latest is None or latest.sink is not sink or latest.generation != sink.generation():
        latest = _latest = Instruments(sink)
    return latest


def observe(meter: Meter) -> Histogram:
    """Register the observable counters with `meter`, and return the histogram."""
    rows: tuple[tuple[Metric, Callable[[], Iterable[Observation]]], ...] = (
        (names.MLDEBUG_FUNCTION_CALLS, calls),
        (names.MLDEBUG_FUNCTION_TIME, seconds),
        (names.MLDEBUG_FUNCTION_ERRORS, errors),
    )
    for metric, read in rows:

        def callback(_: CallbackOptions, read: Callable[[], Iterable[Observation]] = read) -> Iterable[Observation]:
            return read()

        meter.create_observable_counter(metric.name, [callback], unit=metric.unit, description=metric.brief)
    metric = names.MLDEBUG_FUNCTION_DURATION
    return meter.create_histogram(
        metric.name, unit=metric.unit, description=metric.brief, explicit_bucket_boundaries_advisory=metric.buckets
    )


def by_function() -> dict[str, list[Totals]]:
    """Return the totals by function; one that is watched under several span names has several."""
    out: dict[str, list[Totals]] = {}
    for watch in watches():
        totals = watch.totals()
        if totals.calls:
            out.setdefault(watch.target.function, []).append(totals)
    return out


def calls() -> Iterable[Observation]:
    """Return how often each function was called."""
    for function, parts in by_function().items():
        yield Observation(sum(part.calls for part in parts), {names.CODE_FUNCTION_NAME: function})


def seconds() -> Iterable[Observation]:
    """Return the time spent in each function."""
    for function, parts in by_function().items():
        yield Observation(sum(part.total_ns for part in parts) / _NS_PER_S, {names.CODE_FUNCTION_NAME: function})


def errors() -> Iterable[Observation]:
    """Return how often each function raised what."""
    for function, parts in by_function().items():
        kinds: dict[str, int] = {}
        for part in parts:
            for kind, number in part.errors.items():
                kinds[kind] = kinds.get(kind, 0) + number
        for kind, number in kinds.items():
            yield Observation(number, {names.CODE_FUNCTION_NAME: function, names.ERROR_TYPE: kind})
