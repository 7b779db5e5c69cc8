"""Which calls get a span: what the budget pays for, what is long, and outliers."""

from opentelemetry.sdk.trace import SpanProcessor

from otel_mldebug.instrument import budget as budgets
from otel_mldebug.instrument import costs, sink
from otel_mldebug.instrument.budget import Budget
from otel_mldebug.instrument.functions import span, trace
from otel_mldebug.instrument.functions.arguments import Arguments
from otel_mldebug.instrument.functions.counting import counting_ns
from otel_mldebug.instrument.functions.decorator import target, wrap
from otel_mldebug.instrument.functions.watch import BATCH, Watch

US, MS, S = 1_000, 1_000_000, 1_000_000_000
SPAN_NS = 40 * US
PRICE_NS = SPAN_NS * budgets.ELSEWHERE["span"]


class Machine(SpanProcessor):
    """Functions that take as long as they are told to, and spans that take 40 µs, on a clock of their own."""

    def __init__(self, pipeline, share: float = 0.02) -> None:
        self.now_ns = 0
        self.budget = Budget(share, lambda: self.now_ns)
        pipeline.traces.add_span_processor(self)

    def on_start(self, span, parent_context=None):
        self.spend(SPAN_NS)

    def spend(self, ns: int) -> None:
        self.now_ns += ns

    def function(self, name: str):
        watch = Watch(target(self.spend, name, None), self.budget)
        return wrap(self.spend, watch, Arguments(self.spend, None))

    def broke(self) -> None:
        """Take all credit away."""
        self.budget.charge(10 * budgets.BURST_NS)


def reasons(pipeline) -> list[tuple[str, str]]:
    return [(span.name, span.attributes["mldebug.sampled.reason"]) for span in pipeline.finished()]


def test_the_first_call_of_each_function_has_a_span_even_after_others_used_up_the_credit(pipeline):
    machine = Machine(pipeline)
    hot, rare = machine.function("hot"), machine.function("rare")
    for _ in range(500):
        hot(1)
    spans_of_hot = len(pipeline.finished())
    rare(1)

    assert spans_of_hot == budgets.BURST_NS // 2 // PRICE_NS
    assert reasons(pipeline)[-1] == ("rare", "budget")


def test_calls_that_are_too_short_to_pay_share_what_is_left(pipeline):
    machine = Machine(pipeline)
    hot = machine.function("hot")
    for _ in range(100_000):
        hot(100 * US)

    earned_ns = 0.02 * 100_000 * 100 * US
    assert abs(len(pipeline.finished()) - earned_ns / PRICE_NS) < 2 * budgets.BURST_NS / PRICE_NS
    assert machine.budget.spent_ns <= earned_ns + budgets.BURST_NS + PRICE_NS


def test_rare_long_calls_are_not_starved_by_short_ones(pipeline):
    machine = Machine(pipeline)
    hot, epoch = machine.function("hot"), machine.function("epoch")
    for _ in range(20):
        machine.broke()
        for _ in range(300):
            hot(1 * US)
        epoch(1 * S)

    assert [name for name, _ in reasons(pipeline)].count("epoch") >= 19


def test_a_long_call_that_began_without_credit_gets_its_span_when_it_ends(pipeline):
    machine = Machine(pipeline)
    epoch = machine.function("epoch")
    machine.broke()
    epoch(1 * S)

    assert reasons(pipeline) == [("epoch", "long")]
    (made,) = pipeline.finished()
    assert made.end_time - made.start_time >= 1 * S


def test_an_outlier_gets_a_span_in_any_case(pipeline):
    machine = Machine(pipeline)
    work = machine.function("work")
    machine.broke()
    for _ in range(2 * BATCH):
        work(100 * US)
    machine.broke()
    work(int(PRICE_NS / 0.02) + 100 * US)

    assert reasons(pipeline) == [("work", "outlier")]


def test_without_budget_there_are_no_outliers(pipeline):
    machine = Machine(pipeline, share=0.0)
    work = machine.function("work")
    for _ in range(2 * BATCH):
        work(100 * US)
    work(10 * S)

    assert reasons(pipeline) == []


def test_what_is_usual_is_no_outlier_however_long(pipeline):
    machine = Machine(pipeline)
    work = machine.function("work")
    for _ in range(3 * BATCH):
        machine.broke()
        work(3 * MS)

    assert {reason for _, reason in reasons(pipeline)} <= {"budget"}


def test_a_block_that_takes_long_gets_a_span_after_the_fact(pipeline, monkeypatch):
    process = budgets.process()
    process.charge(10 * budgets.BURST_NS)
    now_ns = [0]
    monkeypatch.setattr(process, "clock_ns", lambda: now_ns[0])
    with span("load", file="a"):
        now_ns[0] += S

    (made,) = pipeline.finished()
    assert (made.attributes["mldebug.sampled.reason"], made.attributes["file"]) == ("long", "a")


def test_only_paid_calls_are_in_the_histogram(pipeline):
    @trace
    def work():
        return None

    for _ in range(5):
        work()
    budgets.process().adjust(0.0)
    for _ in range(5):
        work()

    name = f"{work.__module__}.{work.__qualname__}"
    assert pipeline.points("mldebug.function.duration") == {(name,): 5}
    assert pipeline.points("mldebug.function.calls") == {(name,): 10}


def test_a_new_pipeline_gets_instruments_of_its_own(pipeline):
    @trace
    def work():
        return None

    work()
    later = type(pipeline)(number=2)
    sink.install(later)
    work()

    name = f"{work.__module__}.{work.__qualname__}"
    assert later.points("mldebug.function.calls") == {(name,): 2}
    assert later.points("mldebug.function.time")[(name,)] > 0
    assert len(later.finished()) == 1


def test_what_counting_costs_is_exported_with_the_rest(broke):
    costs.add_source(counting_ns)  # both as wiring does, once for each pipeline
    costs.observe(broke.meter("test"))

    @trace
    def work():
        return None

    for _ in range(1000):
        work()
    (seconds,) = broke.points("mldebug.self.time").values()

    assert 1000 * 50e-9 < seconds < 1000 * 20e-6
    assert broke.points("mldebug.self.cost")[()] > 0
