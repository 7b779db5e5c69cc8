"""Failures that end in a log, an asyncio loop or a forgotten future: one finding each, and the program as ever."""

import asyncio
import gc
import io
import logging
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor

import pytest

from otel_mldebug.instrument.futures import Futures
from otel_mldebug.instrument.later import later
from otel_mldebug.instrument.logged import Logged
from otel_mldebug.instrument.loops import Loops
from otel_mldebug.semconv.names import Severity
from otel_mldebug.testing import Telemetry


@pytest.fixture
def telemetry():
    with Telemetry() as pipeline:
        yield pipeline


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


@pytest.fixture
def logger():
    text = io.StringIO()
    found = logging.getLogger("app.train")
    handler = logging.StreamHandler(text)
    found.addHandler(handler)
    found.propagate = False
    found.text = text
    yield found
    found.removeHandler(handler)
    found.propagate = True


def fail(message="boom"):
    raise ValueError(message)


def log_failure(logger, level):
    try:
        fail()
    except ValueError:
        logger.log(level, "batch %d failed", 3, exc_info=True)


def messages(telemetry):
    later.drain()
    return [occurrence.exception["message"] for occurrence in telemetry.findings]


# Logs


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        pytest.param(logging.CRITICAL, Severity.ERROR, id="a log cannot make it worse"),
        pytest.param(logging.ERROR, Severity.ERROR, id="error"),
        pytest.param(logging.WARNING, Severity.WARNING, id="the program expects it"),
        pytest.param(logging.INFO, Severity.INFO, id="the program hardly minds"),
    ],
)
def test_a_logged_exception_is_one_finding(telemetry, logged, logger, level, severity):
    logger.setLevel(logging.DEBUG)
    log_failure(logger, level)
    (made,) = telemetry.findings
    assert (made.exception["message"], made.finding.severity) == ("boom", severity)
    assert made.context == {
        "logged_by": "app.train",
        "logged_as": logging.getLevelName(level),
        "log_message": "batch 3 failed",
    }


def test_an_exception_that_is_logged_twice_and_raised_on_is_one_finding(telemetry, logged, logger):
    def log_and_raise():
        try:
            fail()
        except ValueError:
            logger.exception("first")
            logger.exception("second")
            raise

    with pytest.raises(ValueError, match="boom") as caught:
        log_and_raise()
    telemetry.runtime.exception(caught.value)
    assert len(telemetry.findings) == 1


def test_what_is_logged_is_not_changed_by_notes(logger):
    def text_of(watching):
        logger.text.truncate(0)
        watching()
        return logger.text.getvalue().replace("\0", "")

    plain = text_of(lambda: log_failure(logger, logging.ERROR))
    watching = Logged()
    with Telemetry(notes=True) as telemetry:
        watching.install()
        seen = text_of(lambda: log_failure(logger, logging.ERROR))
        watching.remove()
    assert seen == plain
    assert len(telemetry.findings) == 1


@pytest.mark.parametrize("name", ["otel_mldebug", "opentelemetry.sdk.trace.export"])
def test_logs_about_watching_are_no_findings(telemetry, logged, name):
    handler = logging.NullHandler()
    found = logging.getLogger(name)
    found.addHandler(handler)
    try:
        log_failure(found, logging.ERROR)
    finally:
        found.removeHandler(handler)
    assert telemetry.findings == []


def test_a_log_without_an_exception_and_one_that_is_filtered_are_no_findings(telemetry, logged, logger):
    logger.error("bad")
    logger.error("bad", exc_info=True)
    logger.setLevel(logging.ERROR)
    log_failure(logger, logging.WARNING)
    assert telemetry.findings == []


def test_the_line_that_logs_is_found_as_ever(telemetry, logged, logger):
    records = []
    logger.addFilter(lambda record: records.append(record) or True)
    log_failure(logger, logging.ERROR)
    assert (records[0].funcName, records[0].filename) == ("log_failure", "test_seen_elsewhere.py")


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


def test_behind_somebody_elses_ours_stays_and_looks_at_nothing(telemetry, logger):
    watching = Logged()
    plain = logging.Logger.callHandlers
    watching.install()
    ours = logging.Logger.callHandlers
    logging.Logger.callHandlers = lambda *args: ours(*args)
    try:
        watching.remove()
        log_failure(logger, logging.ERROR)
        assert telemetry.findings == []
        watching.install()
        log_failure(logger, logging.ERROR)
        assert messages(telemetry) == ["boom"]
    finally:
        logging.Logger.callHandlers = ours
        watching.remove()
    assert logging.Logger.callHandlers is plain
