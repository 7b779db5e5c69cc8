"""`guarded_loop`: what it leaves out, when it ends, and that nothing is lost on the way."""

import math
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

import otel_mldebug
from otel_mldebug import NonFiniteLossError, Policy, UsageError, check_finite, guarded_loop
from otel_mldebug.instrument.training import progress
from otel_mldebug.testing import Telemetry
from tests.recover.steps import Step


@pytest.fixture(autouse=True)
def apart() -> Iterator[None]:
    progress.follow(None, None)
    yield
    progress.follow(None, None)


def outcomes(summary: Any) -> list[tuple[int, str, str, str]]:
    return [(f.index, f.kind, f.finding.rule, str(f.action)) for f in summary.failures]


def test_a_loop_in_which_nothing_fails_does_all_and_records_its_steps():
    with Telemetry() as telemetry:
        summary = guarded_loop(range(5), Step())

    assert (summary.batches, summary.done, summary.skipped, summary.num_failures, summary.stopped) == (5, 5, 0, 0, "")
    assert progress.recorder().index == 5
    assert telemetry.findings == []
    assert str(summary) == "5 of 5 batches done, 0 skipped, 0 failures"


def test_batches_that_fail_are_left_out_and_told_with_what_they_were():
    step = Step(_1=ValueError("bad label"), _3=math.nan, _4={"loss": math.inf})
    with Telemetry() as telemetry:
        summary = guarded_loop(range(6), step)

    assert step.called == [0, 1, 2, 3, 4, 5]
    assert (summary.batches, summary.done, summary.skipped) == (6, 3, 3)
    assert [(i, k, a) for i, k, _, a in outcomes(summary)] == [
        (1, "exception", "skip"),
        (3, "loss", "skip"),
        (4, "loss", "skip"),
    ]
    first = telemetry.findings[0]
    assert (first.exception["message"], first.context["batch"], first.context["batch_content"]) == ("bad label", 1, "1")
    assert [f.finding.rule for f in telemetry.findings[1:]] == ["loss.nonfinite"]  # once, as of any other loop
    assert summary.to_json()["failures"][1]["finding"]["summary"] == "The loss of batch 3 is nan."


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (OSError("corrupt image 33.png"), "OSError: corrupt image 33.png"),
        (KeyError("label"), "KeyError: 'label'"),
        (ValueError(), "ValueError"),
        (ValueError("first\nsecond"), "ValueError: first"),
        (OSError("Caught OSError in DataLoader worker 0.\nOriginal Traceback\nOSError: gone\n"), "OSError: gone"),
        (ValueError("no " * 99), "ValueError: " + ("no " * 99)[:147] + "…"),
        (ValueError("password=hunter2secret"), "ValueError: password=[redacted:password]"),
    ],
)
@pytest.mark.parametrize("watched", [True, False])
def test_the_summary_says_what_was_raised(problem, said, watched):
    with Telemetry() if watched else nullcontext():
        summary = guarded_loop(range(2), Step(_1=problem))

    assert summary.failures[0].raised == said
    assert f"] {said}, skip" in str(summary)
    assert summary.to_json()["failures"][0]["raised"] == said


def test_of_a_bad_loss_nothing_was_raised():
    summary = guarded_loop(range(2), Step(_1=math.nan))

    assert summary.failures[0].raised == ""
    assert str(summary).splitlines()[1] == "  batch 1 (1): The loss of batch 1 is nan. [loop.nonfinite_loss], skip"
    assert "raised" not in summary.to_json()["failures"][0]


def test_a_step_that_raised_is_recorded_as_none():
    with Telemetry():
        guarded_loop(range(4), Step(_1=ValueError("no")))
    assert progress.recorder().index == 3


def test_without_anybody_watching_it_guards_all_the_same():
    summary = guarded_loop(range(3), Step(_1=ZeroDivisionError("x")), record=False)
    assert (summary.done, summary.failures[0].finding.severity) == (2, "error")


@pytest.mark.parametrize(
    ("policy", "ends_at", "reason"),
    [
        (Policy(max_consecutive=1), 3, "more than 1 batches in a row have failed"),
        (Policy(max_consecutive=0), 0, "more than 0 batches in a row have failed"),
        (Policy(max_consecutive=None, max_failures=2), 3, "more than 2 batches have failed"),
        (Policy(max_failures=0, max_consecutive=None), 0, "more than 0 batches have failed"),
    ],
)
def test_the_failure_that_exceeds_a_limit_is_raised_as_it_is(policy, ends_at, reason):
    problems = {index: ValueError(str(index)) for index in (0, 2, 3)}
    step = Step(**{f"_{index}": problem for index, problem in problems.items()})
    with pytest.raises(ValueError, match=str(ends_at)) as caught:
        guarded_loop(range(9), step, policy=policy)

    assert caught.value is problems[ends_at]
    assert caught.traceback[-1].name == "__call__"
    summary = caught.value.mldebug_summary
    assert (summary.batches, summary.stopped) == (ends_at + 1, reason)


def test_without_limits_everything_may_fail_and_most_is_only_counted():
    step = Step(**{f"_{i}": ValueError("x") for i in range(150)})
    summary = guarded_loop(range(150), step, policy=Policy(max_failures=None, max_consecutive=None))

    assert (summary.num_failures, len(summary.failures), summary.skipped) == (150, 100, 150)
    assert "… and 50 more" in str(summary)


def test_a_loss_beyond_the_limit_raises_an_error_of_ours():
    with pytest.raises(NonFiniteLossError, match="The loss of batch 2 is nan") as caught:
        guarded_loop(range(9), Step(_2=math.nan), policy=Policy(max_failures=0))
    assert caught.value.mldebug_summary.done == 2


def test_memory_ends_the_loop_unless_the_policy_says_otherwise():
    with pytest.raises(MemoryError) as caught:
        guarded_loop(range(9), Step(_2=MemoryError()))
    assert caught.value.mldebug_summary.stopped.startswith("a finding of the category memory")
    assert guarded_loop(range(4), Step(_2=MemoryError()), policy=Policy(stop_on=())).done == 3
    with pytest.raises(ValueError, match="x"):
        guarded_loop(range(4), Step(_2=ValueError("x")), policy=Policy(stop_on=("unknown", "input_validation", "data")))


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()], ids=repr)
def test_whoever_ends_the_program_ends_the_loop(problem):
    def load() -> Iterator[int]:
        yield 0
        raise problem

    with pytest.raises(type(problem)) as caught:
        guarded_loop(range(3), Step(_1=problem), policy=Policy(max_failures=None, max_consecutive=None))
    assert caught.value is problem
    with pytest.raises(type(problem)) as caught:
        guarded_loop(load(), Step())
    assert caught.value is problem


class Source:
    """An iterator that fails now and then, as that of a DataLoader, and goes on."""

    def __init__(self, bad: set[int], length: int) -> None:
        self.bad, self.length, self.place = bad, length, -1

    def __iter__(self) -> "Source":
        return self

    def __next__(self) -> int:
        self.place += 1
        if self.place >= self.length:
            raise StopIteration
        if self.place in self.bad:
            raise OSError(f"cannot read sample {self.place}")
        return self.place


def test_a_batch_that_cannot_be_loaded_is_left_out():
    step = Step()
    summary = guarded_loop(Source({1, 3}, 5), step)

    assert step.called == [0, 2, 4]
    assert [(f.index, f.kind, f.batch) for f in summary.failures] == [
        (1, "data", "could not be loaded"),
        (3, "data", "could not be loaded"),
    ]
    with pytest.raises(OSError, match="sample 3"):
        guarded_loop(Source(set(range(1000)), 1000), step)


def test_a_loss_that_arrives_late_counts_for_its_batch():
    class Array:
        def __init__(self, value: float) -> None:
            self.value, self.asked = value, 0

        def is_ready(self) -> bool:
            self.asked += 1
            return self.asked > 3

        def __float__(self) -> float:
            return self.value

    summary = guarded_loop(range(3), lambda i: Array(math.nan if i == 1 else 1.0), record=False)

    assert (summary.done, summary.skipped) == (2, 1)
    assert [(f.index, f.kind) for f in summary.failures] == [(1, "loss")]


def test_a_check_before_backward_keeps_a_loss_from_the_weights():
    assert check_finite(1.5) == 1.5
    with pytest.raises(NonFiniteLossError, match="The loss is nan"):
        check_finite(math.nan)

    summary = guarded_loop([1.0, math.inf, 2.0], lambda batch: check_finite(batch))
    assert [(f.index, f.kind, f.finding.summary) for f in summary.failures] == [
        (1, "loss", "The loss of batch 1 is inf.")
    ]


def test_nothing_to_do_is_done():
    assert guarded_loop([], Step()).batches == 0
    assert guarded_loop(range(2), lambda batch: None).done == 2


@pytest.mark.parametrize("name", ["max_failures", "max_consecutive", "max_retries"])
def test_a_negative_limit_is_refused(name):
    with pytest.raises(UsageError, match=f"{name}=-1"):
        guarded_loop([], Step(), policy=Policy(**{name: -1}))


def test_training_of_pytorch_is_not_counted_twice():
    torch = pytest.importorskip("torch")
    from otel_mldebug.instrument.training.hooks import pytorch

    net = torch.nn.Linear(2, 1)
    opt = torch.optim.SGD(net.parameters(), 0.1)

    def step(batch: Any) -> Any:
        opt.zero_grad()
        loss = check_finite(net(batch).square().mean())
        loss.backward()
        opt.step()
        return loss

    pytorch.install(torch)
    try:
        bad = torch.full((1, 2), math.nan)
        summary = guarded_loop([torch.ones(1, 2), bad, torch.ones(1, 2)], step)
        assert pytorch.installation().recorder.index == 2
    finally:
        pytorch.uninstall()
    assert (summary.done, summary.skipped) == (2, 1)
    assert "Tensor" in summary.failures[0].batch or "float32" in summary.failures[0].batch
    assert bool(torch.isfinite(net.weight).all())


def test_several_ranks_never_leave_a_batch_out_alone(monkeypatch):
    from otel_mldebug.recover import guarded

    monkeypatch.setattr(guarded, "_together", lambda: True)
    with pytest.raises(ValueError, match="x") as caught:
        guarded_loop(range(3), Step(_1=ValueError("x")))
    assert caught.value.mldebug_summary.stopped.startswith("several ranks train together")
    assert otel_mldebug.LoopSummary is type(caught.value.mldebug_summary)


def test_a_failure_that_we_cannot_explain_is_borne_all_the_same(monkeypatch):
    from otel_mldebug import _guard
    from otel_mldebug.recover import guarded

    def broken(facts: Any) -> Any:
        raise RuntimeError("ours")

    monkeypatch.setattr(_guard, "strict", False)
    monkeypatch.setattr(guarded, "explain", broken)
    summary = guarded_loop(range(3), Step(_1=ValueError("theirs")))
    assert [(f.index, f.finding.rule) for f in summary.failures] == [(1, "unknown")]
