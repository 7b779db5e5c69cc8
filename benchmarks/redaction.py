"""What redacting a message of 200 characters costs, none of which has been seen before."""

import random
import string
from collections.abc import Callable, Iterable
from itertools import count

from opentelemetry.sdk.trace import TracerProvider

from benchmarks.explain import DEPTH, MESSAGES, raised
from benchmarks.figure import Figure
from benchmarks.timing import half_quartiles, interleave, median, ratio
from otel_mldebug.rules.redact import Redactor

SHARE = 20 / 190
"""The promise: 20 µs where `Span.record_exception` takes 190 µs."""
_LENGTH = 200
_numbers = count()
_random = random.Random(7)


def _secret(length: int) -> str:
    return "".join(_random.choice(string.ascii_letters + string.digits) for _ in range(length))


def clean() -> str:
    """Return a message without a secret."""
    return (
        f"CUDA out of memory. Tried to allocate {next(_numbers)}.00 MiB. GPU 0 has a total capacity of 23.69 GiB of "
        "which 600.38 MiB is free. Including non-PyTorch memory, this process has 23.1 GiB memory in use. Of the al"
    )


def with_one() -> str:
    """Return a message with a password."""
    return (
        f"connection {next(_numbers)} failed: host=db.internal port=5432 dbname=train user=ml password={_secret(14)} "
        "sslmode=require connect_timeout=10: FATAL the database system is starting up, try again soon, or ask"
    )


def with_many() -> str:
    """Return a message that is nothing but secrets."""
    return (
        f"env {next(_numbers)}: OPENAI_API_KEY=sk-proj-{_secret(30)} HF_TOKEN=hf_{_secret(34)} DB=postgres://u:"
        f"{_secret(10)}@db/x AWS_SECRET_ACCESS_KEY={_secret(40)} mail=jane@example.com"
    )


KINDS: dict[str, tuple[Callable[[], str], float | None]] = {
    "clean": (clean, SHARE),
    "one": (with_one, SHARE),
    "many": (with_many, None),
}
"""Message, and what we promise."""


def measure(quick: bool) -> Iterable[Figure]:
    """Compare with `Span.record_exception`, in processor time; every message is a new one."""
    repeats, calls = (5, 300) if quick else (21, 500)
    span = TracerProvider().get_tracer("benchmark").start_span("benchmark")
    exceptions = [raised(MESSAGES["known"], DEPTH) for _ in range(calls)]

    def sdk() -> None:
        for exc in exceptions:
            span.record_exception(exc)

    for kind, (message, limit) in KINDS.items():
        rounds = iter([[message()[:_LENGTH] for _ in range(calls)] for _ in range(repeats + 1)])

        def ours(rounds: Iterable[list[str]] = rounds) -> None:
            redactor = Redactor()
            for text in next(iter(rounds)):
                redactor.text(text)

        times = interleave({"sdk": sdk, "ours": ours}, repeats=repeats)
        note = f"redacting {_LENGTH} new characters against record_exception, {DEPTH} calls deep: {kind}"
        yield ratio(f"redaction.{kind}.ratio", times["ours"], times["sdk"], limit=limit, note=note)
        each = [time_s / calls * 1e9 for time_s in times["ours"]]
        yield Figure(name=f"redaction.{kind}", value=median(each), unit="ns", spread=half_quartiles(each))
