"""What counting calls costs: measured once, in the thread that exports, and multiplied by the calls."""

import time
from collections.abc import Callable
from functools import cache

from otel_mldebug.instrument.budget import Budget
from otel_mldebug.instrument.functions.arguments import Arguments
from otel_mldebug.instrument.functions.decorator import target, wrap
from otel_mldebug.instrument.functions.registry import watches
from otel_mldebug.instrument.functions.watch import Watch

_CALLS = 2000
_ROUNDS = 3


def counting_ns() -> float:
    """Return what counting all calls so far has cost, nanoseconds."""
    calls = sum(watch.totals().calls for watch in watches())
    return calls * call_ns() if calls else 0.0


@cache
def call_ns() -> float:
    """Return what counting one call costs here, nanoseconds. Takes a few milliseconds the first time."""
    watch = Watch(target(_nothing, None, None), Budget(0.0))
    watch.rich = False
    watched = wrap(_nothing, watch, Arguments(_nothing, None))
    extra = (_time_ns(watched) - _time_ns(_nothing) for _ in range(_ROUNDS))
    return max(0.0, min(extra) / _CALLS)


def _nothing() -> None:
    return None


def _time_ns(call: Callable[[], None]) -> int:
    began_ns = time.thread_time_ns()
    for _ in range(_CALLS):
        call()
    return time.thread_time_ns() - began_ns
