"""Results of pools that failed: one finding each where nobody asks for them, and none where somebody does."""

import gc
import multiprocessing
import operator
import os
import subprocess
import sys
import threading
from multiprocessing import pool as pools

import pytest

from otel_mldebug.instrument.later import later
from otel_mldebug.instrument.pools import Pools

DEADLINE_S = 60


@pytest.fixture
def watched():
    watching = Pools()
    watching.install()
    yield watching
    watching.remove()


@pytest.fixture
def threads(watched):
    with pools.ThreadPool(2) as pool:
        yield pool


def messages(telemetry):
    gc.collect()
    later.drain()
    return [occurrence.exception["message"] for occurrence in telemetry.findings]


def done(pool):
    """Wait until all that was handed to `pool` has come out."""
    pool.close()
    pool.join()


WAYS = ["spawn", "fork"] if hasattr(os, "fork") else ["spawn"]


@pytest.mark.parametrize("way", WAYS)
def test_failed_results_of_other_processes_are_one_finding_each(telemetry, watched, way):
    with multiprocessing.get_context(way).Pool(1) as pool:
        pool.apply_async(operator.truediv, (1, 0))
        pool.map_async(int, ["1", "none", "no number", "4"], chunksize=1)
        asked = pool.apply_async(operator.truediv, (2, 0))
        fine = pool.map_async(int, ["1", "2"])
        with pytest.raises(ZeroDivisionError):
            asked.get(DEADLINE_S)
        assert fine.get(DEADLINE_S) == [1, 2]
        done(pool)
    del asked
    assert messages(telemetry) == ["division by zero", "invalid literal for int() with base 10: 'none'"]
    assert telemetry.findings[0].context == {"uncaught": "a result of a pool that nobody asked for"}


def test_a_result_that_cannot_be_sent_back_is_one_finding(telemetry, watched):
    with multiprocessing.get_context(WAYS[-1]).Pool(1) as pool:
        pool.apply_async(operator.attrgetter, ("close",))
        pool.apply_async(eval, ("lambda: 0",))
        done(pool)
    assert len(messages(telemetry)) == 1
    assert telemetry.findings[0].exception["type"].endswith("MaybeEncodingError")


def test_a_kept_result_that_nobody_looks_at_is_said_at_the_end_and_once(telemetry, watched, threads):
    kept = [threads.apply_async(operator.truediv, (1, 0)), threads.apply_async(int, ("3",))]
    done(threads)
    assert messages(telemetry) == []
    watched.ending()
    watched.ending()
    assert messages(telemetry) == ["division by zero"]
    assert kept[1].get() == 3


MAPS = ["imap", "imap_unordered"]


@pytest.mark.parametrize("way", [*WAYS, "threads"])
@pytest.mark.parametrize("name", MAPS)
def test_an_iterator_that_nobody_goes_through_is_one_finding(telemetry, watched, way, name):
    made = pools.ThreadPool(1) if way == "threads" else multiprocessing.get_context(way).Pool(1)
    with made as pool:
        getattr(pool, name)(int, ["1", "none", "no number"])
        getattr(pool, name)(int, ["1", "2"])
        done(pool)
    assert messages(telemetry) == ["invalid literal for int() with base 10: 'none'"]


@pytest.mark.parametrize("name", MAPS)
def test_an_iterator_whose_failure_was_raised_is_none_although_more_failed(telemetry, watched, threads, name):
    going = getattr(threads, name)(int, ["1", "none", "no number", "nothing"])
    with pytest.raises(ValueError, match=r"none|no number|nothing"):
        list(going)
    done(threads)
    del going
    watched.ending()
    assert messages(telemetry) == []


def test_of_an_ordered_iterator_the_first_failure_counts_however_late_it_comes(telemetry, watched):
    begun, go_on = threading.Event(), threading.Event()

    def work(item):
        if item == "first":
            begun.set()
            go_on.wait(DEADLINE_S)
        raise ValueError(item)

    with pools.ThreadPool(2) as pool:
        going = pool.imap(work, ["first", "second"])
        assert begun.wait(DEADLINE_S)
        while going._unsorted == {}:  # the second one has failed
            pool.apply(int)
        go_on.set()
        with pytest.raises(ValueError, match="first"):
            next(going)
        done(pool)
    del going
    watched.ending()
    assert messages(telemetry) == []


def by_get(result):
    with pytest.raises(ZeroDivisionError):
        result.get(DEADLINE_S)


def by_successful(result):
    result.wait(DEADLINE_S)
    assert not result.successful()


@pytest.mark.parametrize("look", [by_get, by_successful])
def test_a_result_that_somebody_looked_at_is_none(telemetry, watched, threads, look):
    for result in (threads.apply_async(operator.truediv, (1, 0)), threads.starmap_async(operator.truediv, [(1, 0)])):
        look(result)
    del result
    watched.ending()
    assert messages(telemetry) == []


def test_an_error_callback_is_told_and_is_none(telemetry, watched, threads):
    told = []
    threads.apply_async(operator.truediv, (1, 0), error_callback=told.append)
    threads.starmap_async(operator.truediv, [(1, 0), (2, 0)], chunksize=1, error_callback=told.append)
    done(threads)
    watched.ending()
    assert messages(telemetry) == []
    assert [str(exception) for exception in told] == ["division by zero"] * 2


def test_maps_and_calls_that_wait_raise_and_are_none(telemetry, watched, threads):
    with pytest.raises(ZeroDivisionError):
        threads.starmap(operator.truediv, [(1, 0)])
    with pytest.raises(ZeroDivisionError):
        threads.apply(operator.truediv, (1, 0))
    watched.ending()
    assert messages(telemetry) == []


def test_what_succeeds_is_none(telemetry, watched, threads):
    results = [threads.apply_async(int, ("3",)), threads.map_async(int, "12"), threads.map_async(int, [])]
    assert [result.get(DEADLINE_S) for result in results] == [3, [1, 2], []]
    watched.ending()
    assert messages(telemetry) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_leaves_the_parents_results_alone(telemetry, watched, threads):
    kept = threads.apply_async(operator.truediv, (1, 0))
    done(threads)
    watched.after_fork()
    watched.ending()
    del kept
    assert messages(telemetry) == []


def test_removed_everything_is_as_it_was():
    def methods():
        return pools.ApplyResult._set, pools.MapResult._set, pools.ApplyResult.successful

    before = methods()
    watching = Pools()
    watching.install()
    watching.install()
    during = methods()
    watching.remove()
    assert methods() == before
    assert not set(during) & set(before)


def test_pools_are_not_imported_for_this():
    code = (
        "import sys\nfrom otel_mldebug.instrument.pools import Pools\nPools().install()\n"
        "print([name for name in sys.modules if name.endswith('.pool')])\n"
        "import multiprocessing.pool as p\nprint(p.ApplyResult._set.__closure__ is not None)\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split("\n") == ["[]", "True", ""]
