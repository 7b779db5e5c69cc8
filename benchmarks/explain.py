"""What explaining costs, against what the SDK does with an exception; and how well it explains labelled messages.

`--labelled FILE.jsonl` (or `MLDEBUG_LABELLED`) names further labelled messages; see `benchmarks.scores`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from opentelemetry.sdk.trace import TracerProvider

from benchmarks.figure import Figure
from benchmarks.scores import read, scores
from benchmarks.timing import Times, half_quartiles, interleave, median, ratio
from otel_mldebug.rules.capture import facts_of
from otel_mldebug.rules.explain import explain

MESSAGES = {
    "known": "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.69 GiB of which "
    "600.00 MiB is free. Including non-PyTorch memory, this process has 23.1 GiB memory in use.",
    "structural": "the frobnicator of layer 3 should be between 0 and 1, got 7 instead",
}
DEPTH = 5
"""Calls between the handler and the place that raises, as in a small program."""
LOAD_S = 0.03
"""Processor time that reading the catalogue at the first failure may take."""
_LOAD = (
    "import otel_mldebug.rules.explain as e, time; s = time.process_time(); e.matcher(None); "
    "print(time.process_time() - s)"
)


def raised(message: str, depth: int) -> Exception:
    """Return an exception that was raised `depth` calls down."""

    def dive(left: int) -> None:
        if left:
            dive(left - 1)
        raise RuntimeError(message)

    try:
        dive(depth)
    except RuntimeError as exc:
        return exc
    raise AssertionError("unreachable")


def _fresh(exceptions: list[Exception], do: Callable[[Exception], object]) -> Callable[[], None]:
    """Return what handles each of `exceptions` once: no two messages are equal, so that nothing is remembered."""

    def run() -> None:
        for exc in exceptions:
            do(exc)

    return run


def measure(quick: bool) -> Iterable[Figure]:
    """Compare with `Span.record_exception`, in processor time; then load times and scores."""
    repeats, calls = (5, 300) if quick else (21, 300)
    tracer = TracerProvider().get_tracer("benchmark")
    span = tracer.start_span("benchmark")
    explain(facts_of(raised(MESSAGES["known"], 0)))  # reads the catalogue
    for kind, message in MESSAGES.items():
        exceptions = [raised(f"{message} ({number})", DEPTH) for number in range(calls)]
        times: Times = interleave(
            {
                "sdk": _fresh(exceptions, span.record_exception),
                "ours": _fresh(exceptions, lambda exc: explain(facts_of(exc))),
            },
            repeats=repeats,
        )
        note = f"capture and explain against record_exception, {DEPTH} calls deep, a {kind} failure"
        yield ratio(f"explain.{kind}.ratio", times["ours"], times["sdk"], limit=1.0, note=note)
        each = [time_s / calls * 1e9 for time_s in times["ours"]]
        yield Figure(name=f"explain.{kind}", value=median(each), unit="ns", spread=half_quartiles(each))
    yield from _loading(3 if quick else 11)
    yield from _scores()
    if not quick:
        yield from _provoked()


def _loading(repeats: int) -> Iterator[Figure]:
    seconds = [
        float(subprocess.run([sys.executable, "-c", _LOAD], capture_output=True, text=True, check=True).stdout)
        for _ in range(repeats)
    ]
    yield Figure(
        name="explain.load",
        value=median(seconds),
        unit="s",
        spread=half_quartiles(seconds),
        limit=LOAD_S,
        note="reading the catalogue at the first failure",
    )


def _scores() -> Iterator[Figure]:
    for given in filter(None, os.environ.get("MLDEBUG_LABELLED", "").split(os.pathsep)):
        yield from scores(read(Path(given)), Path(given).stem)


def _provoked() -> Iterator[Figure]:
    """Yield the scores on failures that are really provoked, in a process that may import every library."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.provocation.running"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    count = found.pop("count")
    for label, share in found.items():
        note = f"share of {count} provoked failures that is right"
        yield Figure(name=f"explain.provoked.{label}", value=share, unit="1", note=note)
