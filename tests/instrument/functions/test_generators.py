"""`trace` on generators: one iteration is one call, and the span is current only while an item is made."""

import asyncio
import contextvars
import inspect

import pytest
from opentelemetry.trace import StatusCode, get_current_span

from otel_mldebug.instrument import budget
from otel_mldebug.instrument.functions import statistics, trace


def current_name() -> str:
    inside = get_current_span()
    return inside.name if inside.is_recording() else ""


@trace(name="items")
def items(number):
    for index in range(number):
        yield index, current_name()
    return "all"


@trace(name="chunks")
async def chunks(number):
    for index in range(number):
        await asyncio.sleep(0)
        yield index, current_name()


def counted() -> list[tuple[int, dict]]:
    return [(row.calls, dict(row.errors)) for row in statistics()]


def test_the_span_is_current_inside_next_and_not_between(pipeline):
    seen = [(item, current_name()) for item in items(2)]

    assert seen == [((0, "items"), ""), ((1, "items"), "")]
    assert pipeline.names() == ["items"]
    assert counted() == [(1, {})]


def test_each_next_may_run_in_a_context_of_its_own(pipeline, caplog):
    made = items(3)
    seen = [contextvars.copy_context().run(next, made) for _ in range(3)]

    assert [name for _, name in seen] == ["items"] * 3
    made.close()
    assert (pipeline.names(), caplog.records) == (["items"], [])


def test_a_generator_stays_one_with_all_its_methods(pipeline):
    @trace
    def echo():
        try:
            got = yield "first"
            while True:
                got = yield got
        except ValueError as exc:
            yield f"caught {exc}"
        return "end"

    made = echo()
    assert inspect.isgeneratorfunction(echo)
    assert (next(made), made.send("a"), made.throw(ValueError("b"))) == ("first", "a", "caught b")
    with pytest.raises(StopIteration) as stopped:
        next(made)
    assert stopped.value.value == "end"
    assert counted() == [(1, {})]


def test_what_it_returns_reaches_yield_from(pipeline):
    def outer():
        yield (yield from items(1))

    assert list(outer()) == [(0, "items"), "all"]


def test_an_iteration_that_is_given_up_is_counted_and_is_no_error(pipeline):
    closed = []

    @trace
    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.append(current_name())

    made = endless()
    next(made)
    made.close()

    assert closed == [endless.__qualname__]
    assert (counted(), pipeline.exceptions, len(pipeline.finished())) == ([(1, {})], [], 1)


def test_one_that_is_never_begun_is_not_counted(pipeline):
    items(3)

    assert (counted(), pipeline.finished()) == ([], ())


def test_an_error_inside_is_reported_with_the_span_current(pipeline):
    @trace(name="broken", capture=["limit"])
    def broken(limit):
        yield 1
        raise OSError("planted")

    with pytest.raises(OSError, match="planted"):
        list(broken(7))

    assert [(row["inside"], row["arguments"]) for row in pipeline.exceptions] == [("broken", {"limit": 7})]
    assert pipeline.finished()[0].status.status_code is StatusCode.ERROR
    assert counted() == [(1, {"OSError": 1})]


def test_its_time_is_what_it_works_and_not_what_its_consumer_does(pipeline, monkeypatch):
    now = [0]
    monkeypatch.setattr(budget.process(), "clock_ns", lambda: now[0])

    @trace
    def slow():
        for _ in range(3):
            now[0] += 1_000_000
            yield

    for _ in slow():
        now[0] += 50_000_000

    assert [row.total_s for row in statistics()] == [0.003]


def test_without_budget_items_come_all_the_same(broke):
    assert [item for item, _ in items(3)] == [0, 1, 2]
    assert (broke.finished(), counted()) == ((), [(1, {})])


def test_an_asynchronous_generator_is_watched_alike(pipeline):
    async def main():
        return [(item, current_name()) async for item in chunks(2)]

    assert inspect.isasyncgenfunction(chunks)
    assert asyncio.run(main()) == [((0, "chunks"), ""), ((1, "chunks"), "")]
    assert (pipeline.names(), counted()) == (["chunks"], [(1, {})])


def test_an_asynchronous_generator_keeps_its_methods(pipeline):
    @trace
    async def echo():
        try:
            got = yield "first"
            while True:
                got = yield got
        except ValueError as exc:
            yield f"caught {exc}"

    async def main():
        made = echo()
        got = [await made.__anext__(), await made.asend("a"), await made.athrow(ValueError("b"))]
        await made.aclose()
        return got

    assert asyncio.run(main()) == ["first", "a", "caught b"]
    assert counted() == [(1, {})]


def test_an_asynchronous_generator_that_is_left_early_is_closed_and_is_no_error(pipeline):
    closed = []

    @trace
    async def endless():
        try:
            while True:
                yield 1
        finally:
            closed.append(current_name())

    async def main():
        made = endless()
        async for _ in made:
            break
        await made.aclose()

    asyncio.run(main())

    assert (closed, counted(), pipeline.exceptions) == ([endless.__qualname__], [(1, {})], [])


def test_an_error_inside_an_asynchronous_generator_is_reported(pipeline):
    @trace(name="broken")
    async def broken():
        yield 1
        raise OSError("planted")

    async def main():
        return [item async for item in broken()]

    with pytest.raises(OSError, match="planted"):
        asyncio.run(main())

    assert [row["inside"] for row in pipeline.exceptions] == ["broken"]
