"""What actions of a guarded loop get to know, and what they decide."""

import gc
import math
import weakref
from typing import Any

import pytest

from otel_mldebug import Action, Policy, guarded_loop
from tests.recover.steps import Step


def test_an_action_is_told_and_decides():
    asked: list[Any] = []

    def recover(finding: Any, failed: Any) -> Action:
        asked.append((finding.category, failed.index, failed.batch, failed.kind, failed.exception, failed.attempt))
        step.fails.pop(1, None)
        return Action.RETRY if failed.index == 1 else Action.SKIP

    step = Step(_1=MemoryError(), _2=math.nan)
    summary = guarded_loop(range(4), step, recover=recover)

    assert step.called == [0, 1, 1, 2, 3]
    assert asked == [("memory", 1, 1, "exception", "MemoryError", 1), ("loss", 2, 2, "loss", "", 1)]
    assert (summary.done, summary.skipped, summary.num_failures) == (3, 1, 2)
    assert [str(f.action) for f in summary.failures] == ["retry", "skip"]


def test_a_batch_is_not_tried_for_ever():
    step = Step(_1=ValueError("no"))
    summary = guarded_loop(range(3), step, recover=lambda f, b: Action.RETRY, policy=Policy(max_retries=2))

    assert step.called == [0, 1, 1, 1, 2]
    assert [str(f.action) for f in summary.failures] == ["retry", "retry", "skip"]
    assert (summary.done, summary.skipped) == (2, 1)


def test_an_action_can_end_the_loop_and_one_that_fails_hides_nothing(caplog):
    problem = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as caught:
        guarded_loop(range(3), Step(_1=problem), recover=lambda f, b: "stop")
    assert caught.value is problem

    def broken(finding: Any, failed: Any) -> Action:
        raise RuntimeError("theirs")

    assert guarded_loop(range(3), Step(_1=ValueError("mine")), recover=broken).skipped == 1
    assert "the recovery from" in caplog.text


def test_what_the_failed_step_held_is_free_when_an_action_runs():
    class Big:
        pass

    alive: list[bool] = []
    held: list[Any] = []

    def step(batch: int) -> float:
        big = Big()
        held.append(weakref.ref(big))
        if batch == 1:
            raise ValueError("no")
        return 1.0

    def recover(finding: Any, failed: Any) -> Action:
        gc.collect()
        alive.append(held[-1]() is not None)
        return Action.SKIP

    guarded_loop(range(3), step, recover=recover)
    assert alive == [False]
