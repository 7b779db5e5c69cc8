"""What a watched call costs: counted, with a span, raising; as ratios to the raw SDK doing the same."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from opentelemetry import trace as otel
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from typing_extensions import override

import otel_mldebug
from benchmarks.figure import Figure
from benchmarks.timing import difference, interleave, ratio
from otel_mldebug.instrument import budget as budgets
from otel_mldebug.instrument import sink
from otel_mldebug.instrument.budget import Budget
from otel_mldebug.instrument.functions.arguments import Arguments
from otel_mldebug.instrument.functions.decorator import target, wrap
from otel_mldebug.instrument.functions.watch import Watch

COUNTED_NS = 500.0
"""What we promise of a call that is only counted, nanoseconds on the machine of docs/reference/cost.md."""


class _Drop(SpanExporter):
    """Exports nowhere: what is left is the price of making spans and of handing them over."""

    @override
    def export(self, spans: Any) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class _Providers(sink.NullSink):
    """A sink with real providers, and without findings: those are measured apart."""

    def __init__(self) -> None:
        self.traces = TracerProvider(shutdown_on_exit=False)
        self.traces.add_span_processor(BatchSpanProcessor(_Drop(), max_queue_size=65_536))
        self.meters = MeterProvider(shutdown_on_exit=False)

    @override
    def active(self) -> bool:
        return True

    @override
    def tracer(self, scope: str) -> otel.Tracer:
        return self.traces.get_tracer(scope)

    @override
    def meter(self, scope: str) -> Any:
        return self.meters.get_meter(scope)

    @override
    def generation(self) -> int:
        return 1


def _plain(value: int) -> int:
    return value


def _raise(depth: int) -> None:
    if depth > 1:
        _raise(depth - 1)
    raise ValueError("planted")


def watched(func: Callable[..., Any], share: float) -> Callable[..., Any]:
    """Return `func` watched, on a budget of its own: 0 for counting only, 1e9 for a span at every call."""
    budget = Budget(share, burst_ns=1 << 60) if share else Budget(0.0)
    watch = Watch(target(func, None, None), budget)
    watch.rich = False
    return wrap(func, watch, Arguments(func, None))  # type: ignore[no-any-return]


def _repeat(call: Callable[..., Any], argument: int, number: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(number):
            call(argument)

    return run


def _swallow(call: Callable[..., Any], depth: int, number: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(number):
            with suppress(ValueError):
                call(depth)

    return run


def measure(quick: bool) -> Iterable[Figure]:
    """Measure calls of functions that do nothing."""
    repeats = 5 if quick else 25
    providers = _Providers()
    sink.install(providers)
    tracer = providers.tracer("raw")
    note = f"empty function; median of {repeats}"

    def raw(func: Callable[..., Any]) -> Callable[..., Any]:
        def call(value: int) -> Any:
            with tracer.start_as_current_span("raw"):
                return func(value)

        return call

    def by_hand(func: Callable[..., Any]) -> Callable[..., Any]:
        histogram = providers.meter("raw").create_histogram("raw", unit="s")
        same: dict[str, str | int | float] = {
            "function": "benchmarks.functions._plain",
            "file": __file__,
            "line": 1,
            "why": "raw",
            "share": 1.0,
        }

        def call(value: int) -> Any:
            started_ns = time.perf_counter_ns()
            with tracer.start_as_current_span("raw", attributes=same):
                result = func(value)
                histogram.record((time.perf_counter_ns() - started_ns) / 1e9, {"function": "_plain"})
                return result

        return call

    calls = 20_000
    counted = interleave(
        {
            "bare": _repeat(_plain, 1, calls),
            "counted": _repeat(watched(_plain, 0.0), 1, calls),
            "raw": _repeat(raw(_plain), 1, calls // 20),
        },
        repeats=repeats,
    )
    raw_times = [time_s * 20 for time_s in counted["raw"]]
    yield difference(
        "functions.counted.overhead", counted["counted"], counted["bare"], calls=calls, limit=COUNTED_NS, note=note
    )
    yield difference("functions.raw.overhead", raw_times, counted["bare"], calls=calls, note=f"SDK span; {note}")
    yield ratio("functions.counted.ratio", counted["counted"], raw_times, note=f"counted only / SDK span; {note}")

    spans = 1000
    paid = interleave(
        {
            "raw": _repeat(raw(_plain), 1, spans),
            "by hand": _repeat(by_hand(_plain), 1, spans),
            "span": _repeat(watched(_plain, 1e9), 1, spans),
        },
        repeats=repeats,
    )
    yield ratio("functions.span.ratio", paid["span"], paid["raw"], note=f"span and point / bare SDK span; {note}")
    yield ratio(
        "functions.span.by_hand.ratio",
        paid["span"],
        paid["by hand"],
        note=f"span and point / SDK span with the same attributes and point; {note}",
    )
    for depth in (1, 20):
        number = 200
        raising = interleave(
            {"raw": _swallow(raw(_raise), depth, number), "ours": _swallow(watched(_raise, 0.0), depth, number)},
            repeats=repeats,
        )
        yield ratio(
            f"functions.raise.depth{depth}.ratio",
            raising["ours"],
            raising["raw"],
            note=f"raises, {depth} frames, without making the finding / SDK span; {note}",
        )
    providers.traces.shutdown()
    yield elsewhere(quick)


def elsewhere(quick: bool) -> Figure:
    """Measure what a span costs the whole process, as a multiple of what the budget measures where it is made.

    With the real pipeline and the local store, whose thread encodes and writes the span.
    """
    spans = 1000 if quick else 4000
    with TemporaryDirectory() as directory:
        otel_mldebug.configure(store=Path(directory, "store"), resources=False, torch=False, budget=1.0)
        call = watched(_plain, 1e9)
        _repeat(call, 1, 100)()
        budget = call.__mldebug_watch__.budget  # type: ignore[attr-defined]
        before_ns = budget.spent_ns
        began_s = time.process_time()
        _repeat(call, 1, spans)()
        otel_mldebug.shutdown(timeout_s=60.0)
        took_ns = (time.process_time() - began_s) * 1e9
    here_ns = (budget.spent_ns - before_ns) / budgets.ELSEWHERE["span"]
    note = f"processor time of the process / measured by the budget ({here_ns / spans / 1000:.0f} us); local store"
    return Figure(name="functions.span.elsewhere", value=took_ns / here_ns, unit="x", note=note)
