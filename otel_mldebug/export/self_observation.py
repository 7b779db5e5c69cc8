"""What otel-mldebug says of itself: faults, drops, what was held back or replaced, size. All are plain reads."""

from collections.abc import Callable, Iterable, Mapping

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otel_mldebug._guard import faults
from otel_mldebug.semconv import names
from otel_mldebug.semconv.metric import Metric

Points = Iterable[tuple[float, dict[str, str]]]


def observe(
    meter: Meter,
    *,
    dropped: Callable[[], Mapping[str, int]],
    suppressed: Callable[[], int],
    redactions: Callable[[], int],
    store_bytes: Callable[[], int | None],
) -> None:
    """Register the instruments.

    Args:
        meter: Meter of our own scope.
        dropped: Returns what was given up, by signal.
        suppressed: Returns how many findings were counted and not sent.
        redactions: Returns how many secrets were replaced.
        store_bytes: Returns the size of what this process has in the store; None without one.
    """

    def size() -> Points:
        found = store_bytes()
        return [] if found is None else [(found, {})]

    rows: tuple[tuple[Metric, Callable[[], Points]], ...] = (
        (names.MLDEBUG_SELF_FAULTS, lambda: [(n, {names.MLDEBUG_SELF_DOING: what}) for what, n in faults().items()]),
        (names.MLDEBUG_SELF_DROPPED, lambda: [(n, {names.MLDEBUG_SELF_SIGNAL: s}) for s, n in dropped().items()]),
        (names.MLDEBUG_SELF_SUPPRESSED, lambda: [(suppressed(), {})]),
        (names.MLDEBUG_SELF_REDACTIONS, lambda: [(redactions(), {})]),
        (names.MLDEBUG_SELF_STORE_SIZE, size),
    )
    creators = {
        "counter": meter.create_observable_counter,
        "updowncounter": meter.create_observable_up_down_counter,
    }
    for metric, read in rows:

        def callback(_: CallbackOptions, read: Callable[[], Points] = read) -> Iterable[Observation]:
            return [Observation(value, attributes) for value, attributes in read()]

        creators[metric.instrument](metric.name, [callback], unit=metric.unit, description=metric.brief)
