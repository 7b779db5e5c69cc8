"""What becomes of looks that are left when a program ends: read, as far as they arrive, and judged once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from otel_mldebug.instrument.budget import Budget  # noqa: E402
from otel_mldebug.instrument.training import options  # noqa: E402
from otel_mldebug.instrument.training.devices.pinned import Devices  # noqa: E402
from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.looks.judging import FIRST_LOOKS, FULL_EVERY, FULL_LOOKS, Judge  # noqa: E402
from otel_mldebug.instrument.training.steps.cells import Cell  # noqa: E402
from otel_mldebug.instrument.training.steps.recorder import StepRecorder  # noqa: E402
from otel_mldebug.instrument.training.steps.track import Track  # noqa: E402
from otel_mldebug.rules.looks import Look, Operation  # noqa: E402
from otel_mldebug.semconv.names import Severity  # noqa: E402
from tests.instrument.training.looks.test_finishing import Late, bad_step, train  # noqa: E402


def test_at_the_end_what_was_not_judged_is_judged_once(seen):
    judged_at: list[int] = []
    spent = [0.0]

    def detect(looks: Sequence[Look], _: Any) -> None:
        judged_at.append(looks[-1].step)
        spent[0] += 0.09

    judge = Judge(StepRecorder(clock=lambda: 0.0), [detect], cost=lambda: spent[0])
    for step in range(FIRST_LOOKS + 5):
        judge.judge(Look(step=step, time_ns=0), Cell("SGD"), 1, Track())
    assert judged_at == [*range(FIRST_LOOKS)]
    judge.finish()
    judge.finish()

    assert judged_at == [*range(FIRST_LOOKS), FIRST_LOOKS + 4]


def test_later_looks_are_written_with_what_operations_say_of_units_only(seen):
    judge = Judge(StepRecorder(), [])
    relu = Operation(kind="Relu", layer="0", inputs=(0,), shape=(2, 4), settings={"a": 1}, units=4, dead=0.5)
    full = (Operation(kind="Addmm"), relu)
    for step in range(FULL_LOOKS + FULL_EVERY + 1):
        judge.keep(Look(step=step, time_ns=0, operations=full), Cell("SGD"), 1)

    slim = (Operation(kind="Relu", layer="0", shape=(2, 4), units=4, dead=0.5),)
    whole = [step for step, look in enumerate(seen.looks) if look.complete and look.operations == full]
    assert whole == [*range(FULL_LOOKS + 1), FULL_LOOKS + FULL_EVERY]
    assert all(look.operations == slim for look in seen.looks if not look.complete)


def test_at_the_end_what_was_judged_is_not_judged_again(seen):
    judged_at: list[int] = []
    judge = Judge(StepRecorder(), [lambda looks, _: judged_at.append(looks[-1].step)])
    judge.judge(Look(step=3, time_ns=0), Cell("SGD"), 1, Track())
    judge.finish()

    assert judged_at == [3]


@pytest.mark.parametrize("judged", [True, False])
def test_what_only_the_end_tells_is_judged_then_and_once(seen, judged):
    order: list[str] = []
    judge = Judge(StepRecorder(), [lambda *_: order.append("each")], last=[lambda *_: order.append("last")])
    if judged:
        judge.judge(Look(step=3, time_ns=0), Cell("SGD"), 1, Track())
    else:
        judge.keep(Look(step=3, time_ns=0), Cell("SGD"), 1)
    judge.finish()
    judge.finish()

    assert order == ["each", "last"]


def test_what_was_worth_knowing_and_is_worth_acting_on_in_the_end_is_told_although_the_optimizer_is_gone(seen):
    recorder = StepRecorder(budget=Budget(0.02))
    warn = bad_step(3)

    def note(looks: Sequence[Look], window: Any) -> Any:
        found = warn(looks, window)
        return found and replace(found, severity=Severity.INFO)

    judge, cell = Judge(recorder, [note], last=[warn]), Cell("SGD")
    judge.judge(Look(step=3, time_ns=0), cell, 1, Track())
    recorder.reporter.retire(cell)
    judge.finish()

    assert [str(finding.severity) for finding, _ in seen.found] == ["info", "warning"]


def test_what_has_become_worth_acting_on_is_told_before_others_of_its_family(seen):
    def detector(rule: str, severity: Severity) -> Any:
        def detect(looks: Sequence[Look], window: Any) -> Any:
            found = bad_step(3)(looks, window)
            return found and replace(found, rule=rule, severity=severity)

        return detect

    note, warn = detector("loss.plateau", Severity.INFO), detector("loss.plateau", Severity.WARNING)
    other = detector("gradient.vanishing", Severity.WARNING)
    judge, cell = Judge(StepRecorder(budget=Budget(0.02)), [note], last=[other, note, warn]), Cell("SGD")
    judge.judge(Look(step=3, time_ns=0), cell, 1, Track())
    judge.finish()

    told = [(finding.rule, str(finding.severity)) for finding, _ in seen.found]
    assert told == [("loss.plateau", "info"), ("loss.plateau", "warning")]


def test_after_a_restart_there_is_nothing_to_judge_at_the_end(seen):
    order: list[str] = []
    judge = Judge(StepRecorder(), [lambda *_: order.append("each")], last=[lambda *_: order.append("last")])
    judge.judge(Look(step=3, time_ns=0), Cell("SGD"), 1, Track())
    judge.restart()
    judge.finish()

    assert order == ["each"]


def test_at_the_end_judging_stops_when_it_takes_too_long(seen):
    spent, judged_by = [0.0], []

    def detect(_: Sequence[Look], __: Any) -> None:
        spent[0] += 0.3
        judged_by.append(spent[0])

    judge = Judge(StepRecorder(), [detect], cost=lambda: spent[0])
    for number in range(6):
        judge.keep(Look(step=number, time_ns=0), Cell(f"SGD#{number}"), number)
    judge.finish()

    assert judged_by == pytest.approx([0.3, 0.6])


def test_what_is_found_at_the_end_is_reported_with_its_step(seen):
    judge = Judge(StepRecorder(), [bad_step(7)])
    judge.keep(Look(step=7, time_ns=7), Cell("SGD"), 1)
    judge.finish()

    assert [(finding.rule, where["step"]) for finding, where in seen.found] == [("test.bad", 6)]


@pytest.mark.parametrize("arrives", [True, False])
def test_at_the_end_looks_that_wait_for_a_device_are_read_as_far_as_they_arrive_soon(seen, arrives):
    device = Late()
    devices = Devices(torch, copiers={"cpu": device}, direct=lambda _: False)
    options.use(options.Options(layers=1))
    pytorch.install(torch, recorder=StepRecorder(budget=Budget(1e-9)), devices=devices)
    try:
        losses, _ = train(2)
        assert seen.looks == []
        device.here = arrives
    finally:
        pytorch.uninstall()
        options.use(options.Options())

    assert [look.step for look in seen.looks] == [0, 1]
    assert [look.loss for look in seen.looks] == (pytest.approx(losses) if arrives else [None, None])
