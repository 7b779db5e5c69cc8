"""`trace` and `span` on coroutines: the span is current in its own task only, and cancelling is no error."""

import asyncio
import gc
import inspect

import pytest
from opentelemetry.trace import StatusCode, get_current_span

from otel_mldebug.instrument.functions import span, statistics, trace


def current_name() -> str:
    inside = get_current_span()
    return inside.name if inside.is_recording() else ""


def test_a_coroutine_function_stays_one_and_its_span_lasts_until_it_returns(pipeline):
    @trace(name="load")
    async def load(value):
        await asyncio.sleep(0)
        return value, current_name()

    async def main():
        return await load(1), current_name()

    assert inspect.iscoroutinefunction(load)
    assert asyncio.run(main()) == ((1, "load"), "")
    assert pipeline.names() == ["load"]


def test_concurrent_tasks_keep_their_spans_apart(pipeline):
    @trace(name="inner")
    async def inner(barrier):
        barrier.append(1)
        while len(barrier) < 2:
            await asyncio.sleep(0)
        return get_current_span().get_span_context().span_id

    @trace(name="outer")
    async def outer(barrier):
        before = get_current_span().get_span_context().span_id
        child = await inner(barrier)
        return before, child, get_current_span().get_span_context().span_id

    async def main():
        barrier = []
        return await asyncio.gather(outer(barrier), outer(barrier))

    results = asyncio.run(main())

    parents = {span.context.span_id: span.parent.span_id for span in pipeline.finished() if span.name == "inner"}
    assert parents == {child: before for before, child, _ in results}
    assert all(before == after for before, _, after in results)


def test_an_error_in_a_coroutine_is_reported_once(pipeline):
    @trace(name="load")
    async def load():
        await asyncio.sleep(0)
        raise OSError("planted")

    with pytest.raises(OSError, match="planted"):
        asyncio.run(load())

    assert [row["inside"] for row in pipeline.exceptions] == ["load"]
    assert pipeline.finished()[0].status.status_code is StatusCode.ERROR


def test_a_cancelled_task_is_counted_and_is_no_error(pipeline):
    @trace(name="wait")
    async def wait():
        await asyncio.sleep(3600)

    async def main():
        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert (pipeline.exceptions, pipeline.names()) == ([], ["wait"])
    assert [(row.calls, row.errors) for row in statistics()] == [(1, {})]


def test_a_coroutine_that_is_thrown_away_half_way_ends_quietly(pipeline, caplog):
    @trace(name="wait")
    async def wait(future):
        await future

    async def begin(coroutine):
        coroutine.send(None)

    async def main():
        coroutine = wait(asyncio.get_running_loop().create_future())
        await asyncio.ensure_future(begin(coroutine))  # in the context of another task
        del coroutine
        gc.collect()
        return current_name()

    assert asyncio.run(main()) == ""
    assert (pipeline.names(), pipeline.exceptions, caplog.records) == (["wait"], [], [])


def test_a_block_works_in_a_coroutine(pipeline):
    async def main():
        async with span("outer", step=1):
            async with span("inner"):
                await asyncio.sleep(0)
            return current_name()

    assert asyncio.run(main()) == "outer"
    inner, outer = pipeline.finished()
    assert inner.parent.span_id == outer.context.span_id
    assert outer.attributes["step"] == 1


def test_without_budget_awaiting_is_counted_all_the_same(broke):
    @trace
    async def load():
        await asyncio.sleep(0)

    async def main():
        for _ in range(300):
            await load()

    asyncio.run(main())

    assert [row.calls for row in statistics()] == [300]
    assert broke.finished() == ()
