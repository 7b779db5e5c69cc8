"""A watched call that raises: the exception leaves as it is, is reported once, and its span says so."""

import asyncio
import sys
import traceback

import pytest
from opentelemetry.trace import StatusCode

from otel_mldebug import _guard
from otel_mldebug.instrument.functions import span, statistics, trace
from otel_mldebug.testing import Telemetry


class ShapeError(Exception):
    """A user's own exception."""


@trace
def fail(batch, size=1, *, token="t"):
    raise ShapeError(f"{batch} {size}")


def frames(exc: BaseException) -> list[str]:
    return [frame.name for frame in traceback.extract_tb(exc.__traceback__)]


def test_the_exception_leaves_as_it_is_with_one_frame_of_ours(pipeline):
    planted = ShapeError("planted")

    @trace
    def forward():
        raise planted

    with pytest.raises(ShapeError) as caught:
        forward()

    assert caught.value is planted
    assert frames(planted)[1:] == ["watched", "forward"]
    assert (planted.__cause__, planted.__context__, planted.args) == (None, None, ("planted",))


def test_an_error_is_handed_over_inside_its_span_with_function_and_arguments(pipeline):
    with pytest.raises(ShapeError) as caught:
        fail("b", size=2)

    name = f"{__name__}.fail"
    assert pipeline.exceptions == [
        {
            "exc": caught.value,
            "function": name,
            "arguments": {"batch": "b", "size": 2},
            "context": {},
            "inside": "fail",
        }
    ]
    (failed,) = pipeline.finished()
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, "The batch does not fit.")
    assert failed.attributes["error.type"] == f"{__name__}.ShapeError"
    assert failed.events == ()
    assert pipeline.points("mldebug.function.errors") == {(name, f"{__name__}.ShapeError"): 1}
    assert pipeline.points("mldebug.function.calls") == {(name,): 1}


def test_an_error_without_budget_gets_its_span_after_the_fact(broke):
    with pytest.raises(ShapeError):
        fail("b")

    (failed,) = broke.finished()
    assert failed.attributes["mldebug.sampled.reason"] == "error"
    assert broke.exceptions[0]["inside"] == "fail"
    assert failed.end_time > failed.start_time


def test_an_error_that_passes_several_watched_calls_is_handed_over_by_each_once(pipeline):
    @trace
    def outer():
        fail("b")

    with pytest.raises(ShapeError) as caught:
        outer()

    assert [row["exc"] for row in pipeline.exceptions] == [caught.value] * 2
    assert [row["function"].rpartition(".")[2] for row in pipeline.exceptions] == ["fail", "outer"]
    assert frames(caught.value)[1:] == ["watched", "outer", "watched", "fail"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, StopIteration])
def test_what_ends_a_program_or_an_iteration_is_no_error(pipeline, kind):
    @trace
    def stop():
        raise kind

    with pytest.raises(kind):
        stop()

    (ended,) = pipeline.finished()
    assert (pipeline.exceptions, ended.status.status_code) == ([], StatusCode.UNSET)
    assert "error.type" not in ended.attributes
    assert [(row.calls, row.errors) for row in statistics()] == [(1, {})]


def test_without_a_pipeline_errors_are_counted():
    for _ in range(3):
        with pytest.raises(ShapeError):
            fail("b")

    (row,) = statistics()
    assert (row.calls, row.errors) == (3, {f"{__name__}.ShapeError": 3})


def test_builtin_errors_go_by_their_bare_name(pipeline):
    @trace
    def divide(by):
        return 1 / by

    with pytest.raises(ZeroDivisionError):
        divide(0)

    assert pipeline.finished()[0].attributes["error.type"] == "ZeroDivisionError"


def test_the_types_of_errors_are_bounded():
    @trace
    def fail_with(number):
        raise type(f"Error{number}", (Exception,), {"__module__": "builtins"})("planted")

    for number in range(60):
        with pytest.raises(Exception, match="planted"):
            fail_with(number)

    (row,) = statistics()
    assert (len(row.errors), row.errors["_OTHER"], sum(row.errors.values())) == (51, 10, 60)


@pytest.mark.parametrize(
    ("capture", "on_span", "in_finding"),
    [
        pytest.param(None, {}, {"batch": [1], "size": 1, "token": "s"}, id="nothing said"),
        pytest.param([], {}, {}, id="none wanted"),
        pytest.param(["batch"], {"mldebug.argument.batch": (1,)}, {"batch": [1]}, id="one wanted"),
    ],
)
def test_arguments_are_captured_as_asked_for(pipeline, capture, on_span, in_finding):
    @trace(capture=capture)
    def work(batch, size, token):
        raise ValueError("planted")

    with pytest.raises(ValueError, match="planted"):
        work([1], 1, token="s")

    attributes = pipeline.finished()[0].attributes
    assert {k: v for k, v in attributes.items() if k.startswith("mldebug.argument")} == on_span
    assert pipeline.exceptions[0]["arguments"] == in_finding


def test_captured_arguments_are_described_and_redacted(pipeline):
    @trace(capture=["self", "path", "password", "limit", "options", "missing"])
    def work(self, path, password, limit, options, missing=None):
        return None

    work(object(), "/data", "hunter2-but-longer", 2**80, {"depth": 2})

    attributes = pipeline.finished()[0].attributes
    found = {k.rpartition(".")[2]: v for k, v in attributes.items() if k.startswith("mldebug.argument")}
    assert "hunter2" not in found.pop("password")
    assert found == {"self": "object", "path": "/data", "limit": str(2**80), "options": "{'depth': 2}"}


def test_a_call_that_does_not_fit_the_signature_is_an_error_of_the_call(pipeline):
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        fail()

    assert [(row["function"], row["arguments"]) for row in pipeline.exceptions] == [(f"{__name__}.fail", {})]


def test_a_block_that_raises_says_what_was_known(pipeline):
    def load():
        with span("load", split="train") as block:
            block.set(file="a.txt")
            raise ValueError("planted")

    with pytest.raises(ValueError, match="planted"):
        load()

    (failed,) = pipeline.finished()
    assert pipeline.exceptions[0]["context"] == {"split": "train", "file": "a.txt"}
    assert (pipeline.exceptions[0]["function"], pipeline.exceptions[0]["inside"]) == ("load", "load")
    assert {k: failed.attributes[k] for k in ("split", "file", "error.type", "code.file.path")} == {
        "split": "train",
        "file": "a.txt",
        "error.type": "ValueError",
        "code.file.path": __file__,
    }


def test_our_own_faults_do_not_reach_the_caller(pipeline, monkeypatch, caplog):
    monkeypatch.setattr(_guard, "strict", False)

    def broken(*_, **__):
        raise OSError("ours")

    monkeypatch.setattr(pipeline, "tracer", broken)
    monkeypatch.setattr(pipeline, "exception", broken)

    @trace
    def work(value):
        return 1 / value

    assert work(1) == 1
    with pytest.raises(ZeroDivisionError) as caught:
        work(0)

    assert caught.value.__context__ is None
    assert set(_guard.faults()) == {"open a span", "report an exception"}
    assert [row.calls for row in statistics()] == [2]
    assert len(caplog.records) == 2


def test_frames_of_a_failed_call_are_let_go(pipeline):
    class Tensor:
        pass

    @trace
    def forward(tensor):
        raise ValueError("planted")

    tensor = Tensor()
    before = sys.getrefcount(tensor)
    with pytest.raises(ValueError, match="planted"):
        forward(tensor)
    pipeline.exceptions.clear()

    assert sys.getrefcount(tensor) == before


@pytest.mark.parametrize("budget", [1.0, 0.0], ids=["a span from the beginning", "a span after the fact"])
def test_explaining_is_no_part_of_the_calls_time(budget):
    with Telemetry(budget=budget) as telemetry:
        fail = trace(lambda: 1 / 0, name="fail")
        with pytest.raises(ZeroDivisionError):
            fail()
    span, (found,) = telemetry.only_span(), telemetry.findings
    assert span.start_time <= span.end_time <= found.time_ns
