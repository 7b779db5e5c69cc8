"""`trace` on functions and methods: counted, timed, with a span, and otherwise unchanged."""

import copy
import inspect
import pickle

import pytest
from opentelemetry.trace import StatusCode, get_current_span

from otel_mldebug.instrument import budget, sink
from otel_mldebug.instrument.functions import statistics, trace


@trace
def double(value: int) -> int:
    """Return twice the value."""
    return 2 * value


def named(kind: str) -> str:
    return f"{__name__}.{kind}"


def test_a_call_is_counted_timed_and_gets_a_span(pipeline):
    @trace(attributes={"team": "vision"})
    def forward(batch):
        return get_current_span().is_recording()

    assert forward(batch=[1]) is True

    (span,) = pipeline.finished()
    function = forward.__module__ + "." + forward.__qualname__
    assert span.name == forward.__qualname__
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes) == {
        "code.function.name": function,
        "code.file.path": __file__,
        "code.line.number": inspect.unwrap(forward).__code__.co_firstlineno,
        "team": "vision",
        "mldebug.sampled.reason": "budget",
        "mldebug.sampled.share": 1.0,
    }
    (row,) = statistics()
    assert (row.function, row.calls, row.errors, row.spans) == (function, 1, {}, 1)
    assert row.min_s == row.max_s == row.total_s == row.mean_s > 0


def test_the_span_is_the_parent_of_what_happens_inside(pipeline):
    @trace
    def inner():
        return None

    @trace
    def outer():
        inner()

    outer()

    child, parent = pipeline.finished()
    assert (child.parent.span_id, parent.parent) == (parent.context.span_id, None)
    assert get_current_span().get_span_context().is_valid is False


def test_without_a_pipeline_calls_are_counted_and_nothing_else_happens():
    assert [double(n) for n in range(3)] == [0, 2, 4]


def test_a_pipeline_that_comes_later_is_found(pipeline):
    sink.install(None)

    @trace
    def work():
        return None

    work()
    sink.install(pipeline)
    work()

    assert pipeline.names() == [work.__qualname__]
    assert statistics()[0].calls == 2


def test_a_closed_pipeline_is_left_alone(pipeline):
    pipeline.keeps = False
    double(1)

    assert pipeline.finished() == ()


def test_a_function_stays_what_it_was():
    assert double.__name__ == "double"
    assert double.__doc__ == "Return twice the value."
    assert list(inspect.signature(double).parameters) == ["value"]
    assert double.__wrapped__(4) == 8
    assert copy.deepcopy(double) is double
    assert pickle.loads(pickle.dumps(double)) is double


def test_the_watch_in_a_closure_can_be_sent_to_another_process_by_value():
    watch = double.__mldebug_watch__

    assert pickle.loads(pickle.dumps(watch)).target == watch.target


def test_methods_of_every_kind_are_watched(pipeline):
    class Model:
        @trace
        def plain(self):
            return type(self).__name__

        @classmethod
        @trace
        def below(cls):
            return cls.__name__

        @trace
        @classmethod
        def above(cls):
            return cls.__name__

        @trace
        @staticmethod
        def alone(value):
            return value

    assert (Model().plain(), Model.below(), Model.above(), Model.alone(3), Model().alone(4)) == (*["Model"] * 3, 3, 4)
    assert {row.function.rpartition(".")[2]: row.calls for row in statistics()} == {
        "plain": 1,
        "below": 1,
        "above": 1,
        "alone": 2,
    }


def test_a_class_is_watched_by_its_own_public_methods():
    @trace
    class Loader:
        size = 3

        def __init__(self):
            self.loaded = 0

        def load(self):
            return self._one()

        def _one(self):
            return self.size

        def __call__(self):
            return self.load()

        @property
        def ready(self):
            return True

    assert (Loader()(), Loader().load(), Loader().ready) == (3, 3, True)
    assert sorted(row.function.rpartition(".")[2] for row in statistics()) == ["__call__", "load"]


def test_a_callable_object_is_watched_under_the_name_of_its_class():
    class Scale:
        def __call__(self, value):
            return value * 10

    assert trace(Scale())(2) == 20
    assert statistics()[0].function.endswith("Scale")


def test_decorating_twice_counts_once():
    assert trace(double) is double
    double(1)
    assert [(row.function, row.calls) for row in statistics()] == [(named("double"), 1)]


def test_a_function_defined_again_goes_on_counting():
    def define():
        @trace
        def work():
            return None

        return work

    define()()
    define()()

    assert [row.calls for row in statistics()] == [2]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("OTEL_MLDEBUG_DISABLED", "1"), ("OTEL_MLDEBUG_DISABLED", " True "), ("OTEL_SDK_DISABLED", "true")],
)
def test_disabled_means_the_function_itself(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)

    def work():
        return None

    assert trace(work) is work
    assert trace(name="x")(work) is work


@pytest.mark.parametrize(("variable", "value"), [("OTEL_MLDEBUG_DISABLED", "0"), ("OTEL_SDK_DISABLED", "1")])
def test_what_does_not_disable_does_not(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)

    def work():
        return None

    assert trace(work) is not work


@pytest.mark.parametrize(
    ("decorate", "message"),
    [
        pytest.param(lambda: trace("load"), r"not on str 'load'.*Use @trace\(name=", id="a name without its keyword"),
        pytest.param(lambda: trace(property(lambda self: 1)), "Decorate the function itself", id="a property"),
        pytest.param(lambda: trace(capture="batch")(double), r"capture=\['batch'\]", id="capture as one text"),
        pytest.param(lambda: trace(name="x")(type("C", (), {})), "belong on its methods", id="a named class"),
        pytest.param(
            lambda: trace(capture=["bach"])(lambda batch, size: batch),
            r"no parameter 'bach' to capture; it has batch, size\.",
            id="a parameter that does not exist",
        ),
    ],
)
def test_what_cannot_be_watched_is_refused_with_the_way_out(decorate, message):
    with pytest.raises(TypeError, match=message):
        decorate()


def test_without_budget_calls_are_counted_and_have_no_span(broke):
    for _ in range(200):
        double(1)

    assert broke.finished() == ()
    assert broke.points("mldebug.function.calls") == {(named("double"),): 200}


def test_a_span_says_for_how_many_calls_it_stands(pipeline):
    budget.process().adjust(0.0)

    @trace
    def work():
        return None

    for _ in range(3):
        work()
    budget.process().adjust(0.5)
    work()

    (span,) = pipeline.finished()
    assert span.attributes["mldebug.sampled.share"] == 0.25
