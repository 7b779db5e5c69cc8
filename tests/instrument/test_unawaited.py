"""Failures that end in an asyncio loop or a forgotten future: one finding each, and the program as ever."""

import asyncio
import gc
import logging
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor

import pytest

from otel_mldebug.instrument.futures import Futures
from otel_mldebug.instrument.later import later
from otel_mldebug.instrument.logged import Logged
from otel_mldebug.instrument.loops import Loops


def fail(message="boom"):
    raise ValueError(message)


def messages(telemetry):
    later.drain()
    return [occurrence.exception["message"] for occurrence in telemetry.findings]


@pytest.fixture
def logged():
    watching = Logged()
    watching.install()
    yield watching
    watching.remove()


@pytest.fixture
def loops():
    watching = Loops()
    watching.install()
    yield watching
    watching.remove()


@pytest.fixture
def watched_futures():
    watching = Futures()
    watching.install()
    yield watching
    watching.remove()


# Loops


def test_a_task_that_nobody_awaits_is_one_finding_and_its_handler_is_called(telemetry, loops, logged):
    seen = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context["message"]))
        task = asyncio.ensure_future(broken())
        await asyncio.sleep(0)
        del task
        gc.collect()

    async def broken():
        fail()

    asyncio.run(main())
    assert messages(telemetry) == ["boom"]
    assert seen == ["Task exception was never retrieved"]
    context = telemetry.findings[0].context
    assert (context["uncaught"], context["asyncio_message"]) == ("asyncio", seen[0])
    assert context["task"].startswith("'Task-") or context["task"].startswith("Task-")


def test_a_callback_that_fails_is_one_finding_though_asyncio_logs_it_too(telemetry, loops, logged):
    async def main():
        asyncio.get_running_loop().call_soon(fail)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert messages(telemetry) == ["boom"]


def test_an_awaited_task_that_fails_is_none(telemetry, loops):
    async def main():
        task = asyncio.ensure_future(broken())
        with pytest.raises(ValueError, match="boom"):
            await task

    async def broken():
        fail()

    asyncio.run(main())
    gc.collect()
    assert messages(telemetry) == []


# Futures


def test_a_future_that_failed_and_is_forgotten_is_one_finding(telemetry, watched_futures):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(fail)
    gc.collect()
    assert messages(telemetry) == ["boom"]
    assert telemetry.findings[0].context == {"uncaught": "a future whose result nobody asked for"}


def by_result(future):
    with pytest.raises(ValueError, match="boom"):
        future.result()


def by_waiting_loop(future):
    async def main():
        with pytest.raises(ValueError, match="boom"):
            await asyncio.wrap_future(future)

    asyncio.run(main())


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(by_result, id="result"),
        pytest.param(lambda future: future.exception(), id="exception"),
        pytest.param(lambda future: future.add_done_callback(lambda done: done.exception()), id="callback"),
        pytest.param(lambda future: by_result(next(futures.as_completed([future]))), id="as_completed"),
        pytest.param(by_waiting_loop, id="awaited in a loop"),
    ],
)
def test_a_future_that_somebody_looked_at_is_none(telemetry, watched_futures, look):
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(fail)
        look(future)
    del future
    gc.collect()
    watched_futures.ending()
    assert messages(telemetry) == []


def test_a_map_raises_and_is_none(telemetry, watched_futures):
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="boom"):
        list(pool.map(fail, ["boom"]))
    gc.collect()
    assert messages(telemetry) == []


def test_a_kept_future_that_nobody_looks_at_is_said_at_the_end_and_once(telemetry, watched_futures):
    with ThreadPoolExecutor(1) as pool:
        kept = [pool.submit(fail), pool.submit(int, "3")]
    assert messages(telemetry) == []
    watched_futures.ending()
    watched_futures.ending()
    assert messages(telemetry) == ["boom"]
    assert kept[1].result() == 3


# All three


def test_removed_everything_is_as_it_was():
    futures_base = futures.Future
    before = (
        logging.Logger.callHandlers,
        asyncio.BaseEventLoop.call_exception_handler,
        futures_base.set_exception,
        futures_base.exception,
    )
    for kind in (Logged, Loops, Futures):
        watching = kind()
        watching.install()
        watching.install()
        watching.remove()
    after = (
        logging.Logger.callHandlers,
        asyncio.BaseEventLoop.call_exception_handler,
        futures_base.set_exception,
        futures_base.exception,
    )
    assert after == before


@pytest.mark.parametrize("name", ["CancelledError", "ShutdownExecutorError"])
def test_a_future_whose_work_was_called_off_is_no_failure(telemetry, watched_futures, name):
    future = futures.Future()
    future.set_exception(type(name, (RuntimeError,), {})())
    del future
    gc.collect()
    assert messages(telemetry) == []
