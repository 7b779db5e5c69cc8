"""Counts are exact, whoever calls, however often, from however many threads and processes."""

import os
import threading
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_mldebug.instrument import budget
from otel_mldebug.instrument.budget import Budget
from otel_mldebug.instrument.functions import RELATIVE_ERROR, registry, span, statistics, trace
from otel_mldebug.instrument.functions.buckets import BOUNDS_NS, bucket_of, grouped, percentile_ns
from otel_mldebug.instrument.functions.watch import BATCH, Target, Watch

THREADS, CALLS = 8, 5_000


def counted(number: list[int]) -> Watch:
    watch = Watch(Target("f", "f"), Budget(0.0))
    for duration_ns in number:
        watch.append(duration_ns)
        watch.look(duration_ns)
    return watch


@pytest.mark.parametrize("share", [0.0, 0.02])
def test_no_call_and_no_error_is_lost_between_threads(pipeline, share):
    budget.process().adjust(share)

    @trace
    def work(index):
        if index % 1000 == 0:
            raise ValueError("planted")

    def run(barrier):
        barrier.wait()
        for index in range(CALLS):
            with suppress(ValueError):
                work(index)

    barrier = threading.Barrier(THREADS)
    threads = [threading.Thread(target=run, args=(barrier,)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (row,) = statistics()
    errors = THREADS * CALLS // 1000
    assert (row.calls, dict(row.errors)) == (THREADS * CALLS, {"ValueError": errors})
    assert pipeline.points("mldebug.function.calls") == {(row.function,): THREADS * CALLS}
    assert pipeline.names().count(row.span) >= errors


def test_reading_while_threads_call_never_sees_more_than_there_was_nor_forgets():
    @trace
    def work():
        return None

    seen = []
    stop = threading.Event()

    def read():
        while not stop.is_set():
            seen.extend(row.calls for row in statistics())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20_000):
        work()
    stop.set()
    reader.join()

    assert seen == sorted(seen)
    assert [row.calls for row in statistics()] == [20_000]


durations = st.lists(st.integers(0, 10**14), max_size=3 * BATCH)


@given(durations)
@settings(max_examples=50)
def test_totals_are_those_of_the_durations(values):
    totals = counted(values).totals()

    assert (totals.calls, totals.total_ns, sum(totals.counts.values())) == (len(values), sum(values), len(values))
    if values:
        assert (totals.min_ns, totals.max_ns) == (min(values), max(values))


@given(st.lists(st.integers(0, BOUNDS_NS[-1] + 100), max_size=200))
@settings(max_examples=100)
def test_grouping_puts_each_duration_where_it_belongs(values):
    values.sort()

    assert dict(grouped(values)) == Counter(map(bucket_of, values))


@given(st.lists(st.integers(BOUNDS_NS[0], BOUNDS_NS[-1]), min_size=1, max_size=300), st.floats(0.0, 1.0))
@settings(max_examples=100)
def test_a_percentile_is_within_the_stated_error(values, share):
    counts: dict[int, int] = {}
    for value in values:
        counts[bucket_of(value)] = counts.get(bucket_of(value), 0) + 1

    rank = max(1, -int(-share * len(values) // 1))
    true_ns = sorted(values)[min(rank, len(values)) - 1]
    neighbours = {sorted(values)[max(0, min(len(values), r) - 1)] for r in (rank - 1, rank, rank + 1)}
    found_ns = percentile_ns(counts, share)
    # One nanosecond of rounding in the bounds; a share on the edge between two ranks may mean either.
    assert any(abs(found_ns - value) <= RELATIVE_ERROR * value + 1.5 for value in {true_ns, *neighbours})


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        pytest.param([], 0.5, None, id="no calls"),
        pytest.param([1], 0.5, 32.0, id="below the first bound"),
        pytest.param([10**18], 0.5, float(BOUNDS_NS[-1]), id="above the last bound"),
    ],
)
def test_percentiles_at_the_ends(values, share, expected):
    counts = {bucket_of(value): 1 for value in values}

    assert percentile_ns(counts, share) == expected


def test_each_bound_is_the_last_of_its_own_bucket():
    assert [bucket_of(bound) for bound in BOUNDS_NS] == list(range(len(BOUNDS_NS)))
    assert [bucket_of(bound + 1) for bound in BOUNDS_NS] == list(range(1, len(BOUNDS_NS) + 1))


def test_calls_by_a_finalizer_that_interrupts_the_adding_up_are_counted_later():
    watch = counted([])
    with watch._lock:
        for _ in range(2 * BATCH):
            watch.append(1)
            watch.look(1)
        assert watch.totals().calls == 0

    assert watch.totals().calls == 2 * BATCH


def test_names_are_bounded(monkeypatch):
    monkeypatch.setattr(registry, "_watches", {})
    monkeypatch.setattr(registry, "MAX_WATCHES", 3)
    for number in range(10):
        with span(f"step {number}"):
            pass

    assert {row.function: row.calls for row in statistics()} == {"step 0": 1, "step 1": 1, "step 2": 1, "_other": 7}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_forked_child_counts_from_zero_even_when_a_lock_was_held():
    @trace
    def work():
        return None

    for _ in range(5):
        work()
    read, write = os.pipe()
    watch = work.__mldebug_watch__
    with watch._lock:
        pid = os.fork()
        if pid == 0:
            work()
            os.write(write, str([row.calls for row in statistics()]).encode())
            os._exit(0)
    os.waitpid(pid, 0)

    assert os.read(read, 100) == b"[1]"
    assert [row.calls for row in statistics()] == [5]
