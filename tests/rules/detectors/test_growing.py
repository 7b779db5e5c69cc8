"""Tensors that get longer with every step."""

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors import LOOK_DETECTORS, family
from otel_mldebug.rules.detectors.growing import growing_tensor
from otel_mldebug.rules.looks import Look, Operation, Parameter, Part
from otel_mldebug.rules.steps import StepRecord

STEPS = (0, 1, 2, 4, 8, 16, 32, 72, 108, 162, 243)
IN = Part(place="Addmm", role="input", shape=(64, 40))
TARGET = Part(place="NllLoss", role="target", shape=(64,))


def bank(step):
    """Return the length of a bank that gets 64 keys with every step."""
    return 256 + 64 * step


def filled(step):
    """Return the length of a queue that is full after 128 steps."""
    return min(bank(step), bank(128))


def looks(size=bank, steps=STEPS, parts=lambda size: (IN, TARGET), more=lambda step: (), width=lambda step: 32):
    return [
        Look(
            step=step,
            time_ns=step,
            parts=parts(size(step)),
            operations=(
                Operation(kind="Addmm", layer="head", shape=(64, 32)),
                Operation(kind="Mm", layer="head", shape=(64, size(step)), operands=((32, size(step)),)),
                *more(step),
                Operation(kind="NllLoss", layer="head"),
            ),
            parameters=(Parameter(name="head.weight", shape=(width(step), 40)),),
        )
        for step in steps
    ]


def slower(step):
    return 0.002 + 0.00005 * step


def course(cpu=slower, steps=244, **fields):
    return Course(StepRecord(index=i, time_ns=i, duration_s=slower(i), cpu_s=cpu(i), **fields) for i in range(steps))


def test_a_bank_of_keys_that_nobody_cuts_is_named_with_its_shapes():
    finding = growing_tensor(looks(), course())

    assert finding is not None
    assert (finding.rule, finding.severity.value) == ("memory.growing_tensor", "warning")
    assert finding.summary == (
        "A tensor grows with every step, by 64 rows: the result of Mm, behind layer head, has shape (64, 256), "
        "(64, 320), (64, 384), … (64, 15808) (it takes (32, 256), (32, 320), (32, 384), … (32, 15808)), and a step "
        "takes 14.1 ms instead of 2.9 ms. What goes into the model stays the same."
    )
    assert {k: finding.evidence[k] for k in ("step", "operation", "rows_per_step", "factor")} == {
        "step": 0,
        "operation": "Mm",
        "rows_per_step": 64.0,
        "factor": 61.8,
    }


@pytest.mark.parametrize(
    ("seen", "window"),
    [
        pytest.param(looks(lambda step: 20 + 64 * (step // 4 * 4)), course(), id="every fourth step"),
        pytest.param(looks(lambda step: bank(step) + step * 7 % 60), course(), id="about as many each time"),
        pytest.param(looks(), course(lambda step: 0.002, gpu_s=0.01), id="a GPU computes, and the host does not"),
        pytest.param(
            looks(parts=lambda size: (IN, Part(place="Mm", role="input", shape=(size, 32)))), course(), id="a memory"
        ),
    ],
)
def test_what_grows_on_and_on_is_told(seen, window):
    assert growing_tensor(seen, window) is not None


@pytest.mark.parametrize(
    ("seen", "window"),
    [
        pytest.param(looks(lambda step: 4096), course(), id="always the same"),
        pytest.param(looks(filled), course(), id="a queue that is full"),
        pytest.param(looks(lambda step: 4000 + 64 * step), course(), id="not much longer than in the beginning"),
        pytest.param(looks(lambda step: 256 * (1 + step // 81 * 10)), course(), id="a curriculum in stages"),
        pytest.param(looks(lambda step: 256 * (1 + step * 7 % 100)), course(), id="now long, now short"),
        pytest.param(looks(steps=STEPS[:-2]), course(), id="so far it may be filling up"),
        pytest.param(looks(steps=(0, 1, 2, 243)), course(), id="few looks"),
        pytest.param(looks(), course(lambda step: 0.002), id="steps take as long as before"),
        pytest.param(looks(), course(lambda step: slower(step) / 50), id="too short to matter"),
        pytest.param(looks(), course(lambda step: None), id="times are not known"),
        pytest.param(looks(), course(evaluation_s=0.1), id="evaluates in between"),
        pytest.param(looks(), course(steps=20), id="few steps"),
        pytest.param(
            looks(parts=lambda size: (Part(place="Embedding", role="input", shape=(64, size)), TARGET)),
            course(),
            id="sequences get longer",
        ),
        pytest.param(
            looks(parts=lambda size: (IN, Part(place="NllLoss", role="target", shape=(size,)))),
            course(),
            id="so do the targets",
        ),
        pytest.param(
            looks(parts=lambda size: (IN, Part(place="batch[1]", shape=(size, 8)))), course(), id="a loader's batches"
        ),
        pytest.param(looks(parts=lambda size: ()), course(), id="what goes in is not known"),
        pytest.param(looks(more=lambda step: (Operation(kind="Relu"),) * step), course(), id="ever more operations"),
        pytest.param(looks(width=lambda step: 32 + step), course(), id="a network that grows"),
    ],
)
def test_what_may_grow_is_left_alone(seen, window):
    assert growing_tensor(seen, window) is None


def test_steps_that_take_longer_for_it_are_not_told_once_more():
    assert growing_tensor in LOOK_DETECTORS
    assert family("timing.slowing") == family("memory.growing_tensor")
