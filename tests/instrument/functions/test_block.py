"""`span` on blocks: counted by name, described by attributes, and nothing at all when we are switched off."""

import inspect

import pytest
from opentelemetry.trace import get_current_span

from otel_mldebug.instrument import budget
from otel_mldebug.instrument.functions import block as module
from otel_mldebug.instrument.functions import span, statistics, trace


@pytest.fixture(autouse=True)
def _no_names_known(monkeypatch):
    monkeypatch.setattr(module, "_known", {})


def test_a_block_has_a_span_with_its_attributes_and_its_place(pipeline):
    with span("load", split="train", **{"data.rows": 3}) as block:
        line = inspect.currentframe().f_lineno - 1
        block.set(rows_read=2, nothing=None)
        assert get_current_span().get_span_context().is_valid

    (made,) = pipeline.finished()
    assert (made.name, dict(made.attributes)) == (
        "load",
        {
            "code.function.name": "load",
            "code.file.path": __file__,
            "code.line.number": line,
            "split": "train",
            "data.rows": 3,
            "rows_read": 2,
            "mldebug.sampled.reason": "budget",
            "mldebug.sampled.share": 1.0,
        },
    )
    assert get_current_span().get_span_context().is_valid is False


def test_blocks_and_functions_nest(pipeline):
    @trace(name="inner")
    def inner():
        with span("innermost"):
            return

    with span("outer"):
        inner()

    ids = {made.context.span_id: made.name for made in pipeline.finished()}
    assert {made.name: made.parent and ids[made.parent.span_id] for made in pipeline.finished()} == {
        "innermost": "inner",
        "inner": "outer",
        "outer": None,
    }


def test_attributes_without_a_span_are_kept_for_a_finding(broke):
    with span("load") as block:
        block.set(file="a")

    assert broke.finished() == ()
    assert [(row.function, row.calls) for row in statistics()] == [("load", 1)]


def test_a_hundred_uses_of_a_name_are_one_row(broke):
    for step in range(300):
        with span("step", number=step):
            pass

    assert [(row.function, row.calls) for row in statistics()] == [("step", 300)]
    assert broke.points("mldebug.function.calls") == {("step",): 300}


def test_switched_off_a_block_is_nothing(pipeline, monkeypatch):
    monkeypatch.setenv("OTEL_MLDEBUG_DISABLED", "1")
    with span("load") as block:
        block.set(file="a")
    with pytest.raises(KeyError), span("load"):
        raise KeyError

    assert (pipeline.finished(), pipeline.exceptions, statistics()) == ((), [], [])


@pytest.mark.parametrize("name", ["", None, 3, ["load"]])
def test_a_block_needs_a_name(name):
    with pytest.raises(TypeError, match="needs a name, such as"):
        span(name)


def test_the_time_of_a_block_is_earned_once_with_what_it_holds(pipeline, monkeypatch):
    now_ns = [0]
    process = budget.process()
    monkeypatch.setattr(process, "clock_ns", lambda: now_ns[0])
    with span("outer"):
        now_ns[0] += 5
        with span("inner"):
            now_ns[0] += 7

    assert process.watched_ns == 12
    assert {row.function: row.total_s for row in statistics()} == {"outer": 12e-9, "inner": 7e-9}
