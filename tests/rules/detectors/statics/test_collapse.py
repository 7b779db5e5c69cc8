"""Losses that compare outputs with each other: which of them collapse, and which are held in place."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.statics.collapse import trained_target
from otel_mldebug.rules.looks import Operation
from tests.rules.detectors.statics.build import N, looks, op, rule, steps, weight

FEATURES = (N, 32)
BOTH = (FEATURES, FEATURES)


def tower(layer: str, at: int) -> tuple[Operation, ...]:
    """Return two layers whose result is at place `at` + 2."""
    return (
        op("Addmm", N, 64, layer=f"{layer}.0"),
        op("Relu", N, 64, inputs=(at,)),
        op("Addmm", *FEATURES, layer=f"{layer}.2", inputs=(at + 1,)),
    )


def net(*names: str, **fields: object):
    return tuple(weight(f"{name}.{i}", 64, 64, **fields) for name in names for i in (0, 2))


MSE = op("MseLoss", inputs=(2, 5), operands=BOTH)
SIAMESE = (*tower("net", 0), *tower("net", 3), MSE)
COSINE = (
    *tower("net", 0),
    *tower("net", 3),
    op("LinalgVectorNorm", N, 1, inputs=(2,)),
    op("Div", *FEATURES, inputs=(2, 6)),
    op("LinalgVectorNorm", N, 1, inputs=(5,)),
    op("Div", *FEATURES, inputs=(5, 8)),
    op("Mul", *FEATURES, inputs=(7, 9), operands=BOTH),
    op("Sum", N, inputs=(10,), settings={"dim": (-1,)}),
    op("Mean", inputs=(11,)),
    op("Neg", inputs=(12,)),
)
TEACHER = (
    *tower("teacher", 0),
    *tower("student", 3),
    op("LogSoftmax", *FEATURES, inputs=(5,)),
    op("Softmax", *FEATURES, inputs=(2,)),
    op("Mul", *FEATURES, inputs=(7, 6), operands=BOTH),
    op("Xlogy", *FEATURES, inputs=(7, 7), operands=BOTH),
    op("Sub", *FEATURES, inputs=(9, 8)),
    op("Sum", inputs=(10,)),
    op("Div", inputs=(11,)),
)
ONE_BATCH = (
    *tower("net", 0),
    op("Split", N // 2, 32, inputs=(2,)),
    op("MseLoss", inputs=(3, 3), operands=((N // 2, 32), (N // 2, 32))),
)
LABELS = (op("LogSoftmax", *FEATURES, inputs=(5,)), op("NllLoss", inputs=(13,)), op("Add", inputs=(12, 14)))


@pytest.mark.parametrize(
    ("operations", "parameters", "layer"),
    [
        pytest.param(SIAMESE, net("net"), "net.2", id="distance of two views"),
        pytest.param(COSINE, net("net"), "net.2", id="similarity of two views"),
        pytest.param(ONE_BATCH, net("net"), "net.2", id="two views in one batch"),
        pytest.param(TEACHER, net("teacher", "student"), "teacher.2", id="a teacher"),
        pytest.param((*TEACHER, *LABELS), net("teacher", "student"), "teacher.2", id="a teacher, labels for students"),
    ],
)
def test_a_target_that_is_trained_is_found(operations, parameters, layer):
    finding = trained_target(looks(*operations, parameters=parameters), steps([0] * 20))

    assert finding is not None
    assert finding.rule == "loss.target_trained"
    assert finding.evidence["layer"] == layer


RECONSTRUCTION = (op("MseLoss", inputs=(2,), operands=BOTH), op("Add", inputs=(6, 7)))
REWARD = (
    *tower("net", 0),
    *tower("net", 3),
    op("Add", *FEATURES, inputs=(5,)),
    op("MseLoss", inputs=(2, 6), operands=BOTH),
)
SHARED = (
    *tower("net", 0),
    op("Softmax", *FEATURES, inputs=(2,)),
    op("LogSoftmax", *FEATURES, inputs=(2,)),
    op("Mul", *FEATURES, inputs=(3, 4), operands=BOTH),
    op("Sum", inputs=(5,)),
)
VALUES = tuple(replace(o, shape=(N, 1)) if o.shape == FEATURES else o for o in SIAMESE[:-1])


@pytest.mark.parametrize(
    ("operations", "parameters"),
    [
        pytest.param((*tower("net", 0), op("MseLoss", inputs=(2,), operands=BOTH)), net("net"), id="a stop-gradient"),
        pytest.param((*SIAMESE, *RECONSTRUCTION), net("net"), id="a reconstruction besides"),
        pytest.param(REWARD, net("net"), id="rewards come in between: a value that looks ahead"),
        pytest.param(SHARED, net("net"), id="entropy of one output"),
        pytest.param((*tower("net", 0), *tower("net", 3), op("Mm", N, N, inputs=(2, 5))), net("net"), id="all pairs"),
        pytest.param(SIAMESE, net("net", optimized=False), id="a network that no optimizer holds"),
        pytest.param(SIAMESE, net("net", trainable=False), id="frozen"),
        pytest.param((*VALUES, replace(MSE, operands=((N, 1), (N, 1)))), net("net"), id="one value for each sample"),
        pytest.param((), (), id="nothing seen"),
    ],
)
def test_losses_that_something_holds_in_place(operations, parameters):
    assert rule(trained_target, looks(*operations, parameters=parameters), steps([0] * 20)) == ""


@pytest.mark.parametrize(
    ("every", "found"),
    [pytest.param(1, "loss.target_trained", id="one after the other"), pytest.param(2, "", id="in turn")],
)
def test_of_several_optimizers_one_may_have_made_the_teacher_before(every, found):
    run = Course(replace(record, index=50 + every * record.index) for record in steps([0] * 20))
    run.shared = True

    assert rule(trained_target, looks(*SIAMESE, parameters=net("net")), run) == found
