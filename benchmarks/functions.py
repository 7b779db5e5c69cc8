"""What a watched call costs: counted, with a span, raising; as ratios to the raw SDK doing the same."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from opentelemetry.trace import Tracer

import otel_mldebug
from benchmarks.figure import Figure
from benchmarks.pipelines import Findings, Providers
from benchmarks.timing import difference, interleave, ratio
from otel_mldebug.instrument import budget as budgets
from otel_mldebug.instrument import sink
from otel_mldebug.instrument.budget import Budget
from otel_mldebug.instrument.functions.arguments import Arguments
from otel_mldebug.instrument.functions.decorator import target, wrap
from otel_mldebug.instrument.functions.watch import Watch

COUNTED_NS = 500.0
"""What we promise of a call that is only counted, nanoseconds on the machine of docs/reference/cost.md."""
_CALLS, _SPANS, _RAISES = 20_000, 1_000, 200

Call = Callable[[int], Any]


def measure(quick: bool) -> Iterable[Figure]:
    """Measure calls of functions that do nothing but return or raise."""
    repeats = 5 if quick else 25
    providers = Providers()
    sink.install(providers)
    yield from _counted(providers, repeats)
    yield from _blocks(repeats)
    yield from _with_span(providers, repeats)
    yield from _raising(providers, repeats, "", "reported, no finding made")
    sink.install(Findings())
    yield from _raising(providers, repeats, ".finding", "explained, redacted, on the span")
    providers.traces.shutdown()
    yield _elsewhere(1000 if quick else 4000)


def _counted(providers: Providers, repeats: int) -> Iterable[Figure]:
    fewer = 20
    times = interleave(
        {
            "bare": _repeat(_plain, _CALLS),
            "counted": _repeat(watched(_plain, 0.0), _CALLS),
            "raw": _repeat(_raw(providers.tracer("raw"), _plain), _CALLS // fewer),
        },
        repeats=repeats,
    )
    raw = [time_s * fewer for time_s in times["raw"]]
    note = f"empty function; median of {repeats}"
    yield difference(
        "functions.counted.overhead", times["counted"], times["bare"], calls=_CALLS, limit=COUNTED_NS, note=note
    )
    yield difference("functions.raw.overhead", raw, times["bare"], calls=_CALLS, note=f"SDK span; {note}")
    yield ratio("functions.counted.ratio", times["counted"], raw, note=f"counted only / SDK span; {note}")


def _blocks(repeats: int) -> Iterable[Figure]:
    budgets.process().adjust(0.0)
    times = interleave(
        {"bare": _repeat(_plain, _CALLS), "block": _repeat(_in_block, _CALLS)},
        repeats=repeats,
    )
    budgets.process().adjust(budgets.DEFAULT_SHARE)
    note = f"with span(...) around an empty function, counted only; median of {repeats}"
    yield difference("functions.block.overhead", times["block"], times["bare"], calls=_CALLS, note=note)


def _in_block(value: int) -> int:
    with otel_mldebug.span("block"):
        return _plain(value)


def _with_span(providers: Providers, repeats: int) -> Iterable[Figure]:
    times = interleave(
        {
            "raw": _repeat(_raw(providers.tracer("raw"), _plain), _SPANS),
            "by hand": _repeat(_by_hand(providers, _plain), _SPANS),
            "span": _repeat(watched(_plain, 1e9), _SPANS),
        },
        repeats=repeats,
    )
    note = f"empty function; median of {repeats}"
    yield ratio("functions.span.ratio", times["span"], times["raw"], note=f"span and point / bare SDK span; {note}")
    same = f"span and point / SDK span with as many attributes and a point; {note}"
    yield ratio("functions.span.by_hand.ratio", times["span"], times["by hand"], note=same)


def _raising(providers: Providers, repeats: int, suffix: str, what: str) -> Iterable[Figure]:
    for depth in (1, 20):
        times = interleave(
            {
                "raw": _swallow(_raw(providers.tracer("raw"), _raise), depth),
                "ours": _swallow(watched(_raise, 0.0), depth),
            },
            repeats=repeats,
        )
        name = f"functions.raise.depth{depth}{suffix}"
        note = f"{depth} frames, {what} / SDK span; median of {repeats}"
        yield ratio(f"{name}.ratio", times["ours"], times["raw"], note=note)


def _elsewhere(spans: int) -> Figure:
    """Measure what a span costs the whole process, as a multiple of what the budget measures where it is made.

    With the real pipeline and the local store, whose thread encodes and writes the span.
    """
    with TemporaryDirectory() as directory:
        otel_mldebug.configure(store=Path(directory, "store"), resources=False, torch=False)
        budget = Budget(1e9, burst_ns=1 << 60)
        call = watched(_plain, budget=budget)
        _repeat(call, 100)()
        before_ns = budget.spent_ns
        began_s = time.process_time()
        _repeat(call, spans)()
        otel_mldebug.shutdown(timeout_s=60.0)
        took_ns = (time.process_time() - began_s) * 1e9
    here_ns = (budget.spent_ns - before_ns) / budgets.ELSEWHERE["span"]
    note = f"processor time of the process / measured by the budget ({here_ns / spans / 1000:.0f} us); local store"
    return Figure(name="functions.span.elsewhere", value=took_ns / here_ns, unit="x", note=note)


def watched(func: Call, share: float = 0.0, budget: Budget | None = None) -> Call:
    """Return `func` watched, on a budget of its own: 0 for counting only, 1e9 for a span at every call."""
    watch = Watch(target(func, None, None), budget or Budget(share, burst_ns=1 << 60))
    watch.rich = False
    return wrap(func, watch, Arguments(func, None))  # type: ignore[no-any-return]


def _plain(value: int) -> int:
    return value


def _raise(depth: int) -> None:
    if depth > 1:
        _raise(depth - 1)
    raise ValueError("planted")


def _raw(tracer: Tracer, func: Call) -> Call:
    def call(value: int) -> Any:
        with tracer.start_as_current_span("raw"):
            return func(value)

    return call


def _by_hand(providers: Providers, func: Call) -> Call:
    """Return `func` with what somebody would write who wanted the same from the SDK."""
    tracer, histogram = providers.tracer("raw"), providers.meter("raw").create_histogram("raw", unit="s")
    same: dict[str, str | int | float] = {
        "code.function.name": "benchmarks.functions._plain",
        "code.file.path": __file__,
        "code.line.number": 1,
        "reason": "budget",
        "share": 1.0,
    }

    def call(value: int) -> Any:
        started_ns = time.perf_counter_ns()
        with tracer.start_as_current_span("raw", attributes=same):
            result = func(value)
            histogram.record((time.perf_counter_ns() - started_ns) / 1e9, {"function": "_plain"})
            return result

    return call


def _repeat(call: Call, number: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(number):
            call(1)

    return run


def _swallow(call: Call, depth: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(_RAISES):
            with suppress(ValueError):
                call(depth)

    return run
