"""Losses with the wrong sign."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.statics.logits import log_probabilities
from otel_mldebug.rules.detectors.statics.sign import maximised
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Severity
from tests.rules.detectors.statics.build import LINEAR, UNIT, N, chain, look, op, rule, weight

CE = chain(LINEAR, op("LogSoftmax", N, 3, layer="fc2"), op("NllLoss", operands=((N, 3), (N,), ())))
RAW = chain(LINEAR, op("NllLoss", operands=((N, 3), (N,), ())))
MSE = chain(UNIT, op("MseLoss", operands=((N, 1), (N, 1))))


def course(now=-20.0, *, shared=False, steps=40):
    records = [
        StepRecord(index=i, time_ns=i, duration_s=0.01, loss=-1.4 + (now + 1.4) * i / (steps - 1)) for i in range(steps)
    ]
    made = Course(records)
    made.shared = shared
    return made


def negated(operations, *, by="Neg", loss=-1.4, held="fc2"):
    last = len(operations)
    parameters = (weight(held, 3, 8),)
    return [look(*operations, op(by, inputs=(last - 1,)), step=i, loss=loss, parameters=parameters) for i in (0, 4, 16)]


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(negated(CE), id="cross entropy"),
        pytest.param(negated(CE, by="Mul"), id="times minus one"),
        pytest.param(negated(MSE, held="out"), id="squared error"),
    ],
)
def test_a_loss_with_a_minus_sign_is_found(seen):
    finding = maximised(seen, course())
    assert finding is not None
    assert (finding.rule, finding.severity, finding.evidence["step"]) == ("loss.maximised", Severity.ERROR, 0)


@pytest.mark.parametrize(
    ("seen", "window"),
    [
        pytest.param(negated(CE), course(shared=True), id="against another optimizer's model"),
        pytest.param(negated(CE, held="generator"), course(), id="an attack on a model that is not trained"),
        pytest.param(negated(CE), course(-1.0), id="it does not fall"),
        pytest.param(negated(CE), course(steps=10), id="too early"),
        pytest.param(negated(CE)[:2], course(), id="too few looks"),
        pytest.param(negated(CE, loss=1.4), course(), id="a positive factor"),
        pytest.param(negated(CE, by="Rsub"), course(), id="a bound minus the loss"),
        pytest.param(negated(RAW), course(), id="scores, which may have any sign"),
        pytest.param([replace(seen, operations=()) for seen in negated(CE)], course(), id="no graph"),
        pytest.param(
            negated(chain(LINEAR, op("LogSoftmax", N, 3), op("NllLoss", N, operands=((N, 3), (N,), ())))),
            course(),
            id="weighted one by one: policy gradients",
        ),
    ],
)
def test_losses_that_may_be_negative_are_left_alone(seen, window):
    assert rule(maximised, seen, window) == ""


@pytest.mark.parametrize(("layer", "found"), [("fc2", "loss.expects_log_probabilities"), ("prior", "")])
def test_the_bias_of_a_layer_may_be_added_apart(layer, found):
    apart = chain(
        op("Mm", 2 * N, 3, layer="fc2"),
        op("UnsafeView", 2, N, 3, layer="fc2"),
        op("Add", 2, N, 3, layer=layer),
        op("Transpose", 2, 3, N),
        op("NllLoss2D", operands=((2, 3, 1, N), (2, 1, N), ())),
    )
    assert rule(log_probabilities, [look(*apart)]) == found


LOGS = (LINEAR, op("LogSoftmax", N, 3, layer="fc2"))


@pytest.mark.parametrize(
    ("operations", "fires"),
    [
        pytest.param(chain(*LOGS, op("Index", N), op("Mean")), True, id="picked by index"),
        pytest.param(chain(*LOGS, op("Gather", N, 1), op("Squeeze", N), op("Sum")), True, id="gathered, summed"),
        pytest.param(chain(*LOGS, op("Index", N), op("Mul", N), op("Mean")), False, id="times advantages"),
        pytest.param(chain(*LOGS, op("Index", N), op("Mean"), op("Neg")), False, id="with the minus sign"),
        pytest.param(chain(*LOGS, op("Mean")), False, id="of all classes"),
        pytest.param(
            chain(*LOGS, op("Index", N), op("Mean", settings={"dim": 0})), False, id="along one dimension only"
        ),
    ],
)
def test_log_probabilities_without_a_minus_sign(operations, fires):
    parameters = (weight("fc2", 3, 8),)
    seen = [look(*operations, step=i, loss=-1.4, parameters=parameters) for i in (0, 4, 16)]
    assert rule(maximised, seen, course()) == ("loss.maximised" if fires else "")
