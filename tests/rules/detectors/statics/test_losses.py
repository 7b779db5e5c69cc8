"""What goes into losses: shapes, logits, probabilities."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.statics.broadcast import broadcast, crossed
from otel_mldebug.rules.detectors.statics.detached import detached_loss
from otel_mldebug.rules.detectors.statics.logits import (
    log_probabilities,
    log_softmax_twice,
    probabilities,
    squashed_twice,
)
from otel_mldebug.semconv.names import Severity
from tests.rules.detectors.statics.build import LINEAR, NLL, UNIT, N, batch, chain, look, looks, op, rule, stats, weight

PAIRS = op("Expand", N, N)
HAND = chain(UNIT, op("Sub", N, N), op("Pow", N, N, operands=((N, N),)), op("Mean"))
FEATURES = chain(
    op("Addmm", N, 8, operands=((N, N), (N, 8))), UNIT, op("Sub", N, N), op("Pow", N, N, operands=((N, N),)), op("Mean")
)
SOFTMAX = op("Softmax", N, 3, settings={"dim": 1})
LOG_SOFTMAX = op("LogSoftmax", N, 3, settings={"dim": 1})
BCE = op("BinaryCrossEntropyWithLogits", operands=((N, 1), (N, 1)))


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param(chain(UNIT, PAIRS, op("MseLoss", operands=((N, N), (N, N)))), id="(N, 1) and (N,)"),
        pytest.param(
            chain(UNIT, op("Squeeze", N), PAIRS, op("HuberLoss", operands=((N, N), (N, N)))), id="(N,) and (N, 1)"
        ),
        pytest.param(chain(UNIT, PAIRS, op("Sub", N, N), op("Abs", N, N), op("Mean")), id="l1_loss"),
        pytest.param(HAND, id="by hand"),
        pytest.param(
            chain(UNIT, op("Log", N, 1), op("Mul", N, N, operands=((N,),)), op("Mean"), op("Neg")), id="returns"
        ),
        pytest.param(
            chain(op("Convolution", N, 1, 8, 8), op("Expand", N, N, 8, 8), op("MseLoss")), id="images without a channel"
        ),
        pytest.param(
            chain(
                UNIT,
                op("Sub", N, N),
                op("Abs", N, N),
                op("Pow", N, N, inputs=(2,)),
                op("Sub", N, N, inputs=(2,)),
                op("Where", N, N, inputs=(3, 4)),
                op("Mean"),
            ),
            id="Huber's loss by hand",
        ),
    ],
)
def test_predictions_that_are_compared_with_all_targets_are_found(operations):
    assert rule(broadcast, [look(*operations)]) == "loss.broadcast"


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(look(*chain(UNIT, op("MseLoss", operands=((N, 1), (N, 1))))), id="same shapes"),
        pytest.param(look(*chain(UNIT, op("Sub", N, 1), op("Pow", N, 1), op("Mean"))), id="same shapes by hand"),
        pytest.param(
            look(*chain(UNIT, op("Squeeze", N), op("Unsqueeze", N, 1), op("Sub", N, N), op("Pow", N, N), op("Mean"))),
            id="a dimension was asked for",
        ),
        pytest.param(
            look(UNIT, op("T", 1, N, inputs=(0,)), op("Sub", N, N, inputs=(0, 1)), op("Abs", N, N, inputs=(2,))),
            id="both sides are predictions",
        ),
        pytest.param(
            look(*chain(UNIT, op("Sub", N, N), op("Pow", N, N), op("Mean", N, settings={"dim": (1,)}), op("Mean"))),
            id="a mean over each row",
        ),
        pytest.param(look(*HAND, parts=(batch(1, shape=(N, N)),)), id="the target has that shape by itself"),
        pytest.param(
            look(*FEATURES, parts=(batch(0, shape=(N, N)), batch(1, shape=(N, N)))),
            id="features and the target have that shape",
        ),
        pytest.param(look(*chain(UNIT, op("Expand", N, 8), op("MseLoss"))), id="another number of columns"),
        pytest.param(
            look(*HAND, op("T", 1, N, inputs=(0,)), op("Sub", N, N, inputs=(0, 4)), op("Mean", inputs=(5,))),
            id="predictions make such pairs, too",
        ),
        pytest.param(
            look(*chain(UNIT, op("Sub", N, N), op("Pow", N, N), op("Exp", N, N), op("Mean"))), id="a kernel of pairs"
        ),
        pytest.param(look(*HAND[:2]), id="no loss follows"),
        pytest.param(look(), id="nothing seen"),
    ],
)
def test_losses_whose_shapes_are_meant_are_left_alone(seen):
    assert rule(broadcast, [seen]) == ""


def test_as_many_features_as_samples_are_no_target():
    seen = look(*FEATURES, parts=(batch(0, shape=(N, N)), batch(1, shape=(N,))))
    assert rule(broadcast, [seen]) == "loss.broadcast"


def test_a_batch_of_one_cannot_be_mixed_up():
    assert not crossed((1, 1), (1, 1))
    assert crossed((2, 1), (2, 2))
    assert not crossed((2, 2), (2, 2))


def test_the_finding_says_which_shapes_meet():
    finding = broadcast([look(*HAND, step=7)], [])
    assert finding is not None
    assert finding.severity is Severity.ERROR
    assert dict(finding.evidence) == {
        "step": 7, "layer": "out", "operation": "Sub", "shape": (N, 1), "broadcast_shape": (N, N),
    }  # fmt: skip


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param(chain(LINEAR, SOFTMAX, LOG_SOFTMAX, NLL), id="softmax into cross entropy"),
        pytest.param(chain(LINEAR, SOFTMAX, op("View", N, 3), LOG_SOFTMAX, NLL), id="through a view"),
        pytest.param(chain(LINEAR, SOFTMAX, op("Select", N, 3), LOG_SOFTMAX, NLL), id="of the last time step"),
        pytest.param(chain(LINEAR, op("Sigmoid", N, 3), LOG_SOFTMAX, NLL), id="sigmoid into cross entropy"),
        pytest.param(chain(UNIT, op("Sigmoid", N, 1), BCE), id="sigmoid into BCE with logits"),
        pytest.param(chain(UNIT, op("LogSigmoid", N, 1), BCE), id="its logarithm into BCE with logits"),
        pytest.param(
            (
                *chain(LINEAR, SOFTMAX, op("Logsumexp", N, 1)),
                op("Sub", N, 3, inputs=(1, 2)),
                op("Gather", N, 1, inputs=(3,)),
            ),
            id="softmax into Categorical(logits=…)",
        ),
    ],
)
def test_probabilities_that_are_taken_for_logits_are_found(operations):
    assert rule(probabilities, [look(*operations)]) == "loss.expects_logits"


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param(chain(LINEAR, LOG_SOFTMAX, NLL), id="cross entropy of logits"),
        pytest.param(chain(UNIT, BCE), id="BCE of logits"),
        pytest.param(chain(UNIT, op("Sigmoid", N, 1), op("BinaryCrossEntropy")), id="BCE of probabilities"),
        pytest.param(chain(LINEAR, SOFTMAX, op("Log", N, 3), NLL), id="logarithm of softmax"),
        pytest.param(chain(LINEAR, SOFTMAX, op("Bmm", N, 3), LINEAR, LOG_SOFTMAX, NLL), id="attention"),
        pytest.param(chain(LINEAR, op("Sigmoid", N, 3), op("Mul", N, 3), LOG_SOFTMAX, NLL), id="a gate"),
        pytest.param(
            (LINEAR, op("Sigmoid", N, 3, inputs=(0,)), op("BinaryCrossEntropyWithLogits", N, 3, inputs=(0,))),
            id="focal loss",
        ),
        pytest.param(
            (
                LINEAR,
                op("Logsumexp", N, 1, inputs=(0,)),
                op("Sub", N, 3, inputs=(0, 1)),
                op("Softmax", N, 3, inputs=(2,)),
            ),
            id="Categorical(logits=…) and its probabilities",
        ),
    ],
)
def test_losses_that_get_what_they_want_are_left_alone(operations):
    assert rule(probabilities, [look(*operations)]) == ""
    assert rule(log_probabilities, [look(*operations)]) == ""


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param(chain(LINEAR, NLL), id="raw outputs into NLLLoss"),
        pytest.param(chain(LINEAR, SOFTMAX, NLL), id="probabilities into NLLLoss"),
        pytest.param(chain(op("Convolution", N, 3, 8, 8), op("NllLoss2D")), id="for images"),
        pytest.param(chain(LINEAR, op("Relu", N, 3), NLL), id="after an activation"),
        pytest.param(
            chain(LINEAR, SOFTMAX, op("Mul", N, 3), op("Sub", N, 3), op("Sum"), op("Div")),
            id="probabilities into KLDivLoss",
        ),
    ],
)
def test_what_is_no_log_probability_is_found(operations):
    assert rule(log_probabilities, [look(*operations)]) == "loss.expects_log_probabilities"


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param(chain(LINEAR, LOG_SOFTMAX, op("Mul", N, 3), op("Sub", N, 3), op("Mean")), id="KLDivLoss"),
        pytest.param(
            chain(LINEAR, SOFTMAX, op("Mul", N, 3), op("Sub", N, 3), op("Pow", N, 3), op("Mean")), id="a masked square"
        ),
        pytest.param(
            (LINEAR, op("Logsumexp", N, 1, inputs=(0,)), op("Sub", N, 3, inputs=(0, 1)), op("NllLoss", inputs=(2,))),
            id="normalised by hand",
        ),
    ],
)
def test_log_probabilities_in_other_ways_are_left_alone(operations):
    assert rule(log_probabilities, [look(*operations)]) == ""


BINARY = op("BinaryCrossEntropy", operands=((N, 1), (N, 1)))


@pytest.mark.parametrize(
    ("operations", "found"),
    [
        pytest.param(
            chain(UNIT, op("Sigmoid", N, 1), op("Sigmoid", N, 1), BINARY), "loss.probabilities_twice", id="sigmoid"
        ),
        pytest.param(chain(LINEAR, SOFTMAX, SOFTMAX, op("Log", N, 3), NLL), "loss.probabilities_twice", id="softmax"),
        pytest.param(
            chain(LINEAR, SOFTMAX, op("Softmax", N, 3, settings={"dim": 0}), op("Log", N, 3), NLL), "", id="both ways"
        ),
        pytest.param(chain(UNIT, op("Sigmoid", N, 1), BINARY), "", id="once"),
        pytest.param(
            chain(UNIT, op("Sigmoid", N, 8), op("Sigmoid", N, 8), LINEAR, LOG_SOFTMAX, NLL),
            "",
            id="layers in the middle",
        ),
    ],
)
def test_probabilities_of_probabilities_are_found(operations, found):
    assert rule(squashed_twice, [look(*operations)]) == found


KNOWN = weight("fc", 8, 8, weight=stats())


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        pytest.param(looks(parameters=(KNOWN,)), "loss.detached", id="no graph and no gradient"),
        pytest.param(looks(parameters=(KNOWN,), count=2), "", id="two looks"),
        pytest.param(looks(parameters=(replace(KNOWN, gradient=stats()),)), "", id="gradients made in another way"),
        pytest.param(looks(parameters=(replace(KNOWN, changed=True),)), "", id="weights that change"),
        pytest.param(looks(parameters=(replace(KNOWN, trainable=False),)), "", id="frozen weights"),
        pytest.param(looks(parameters=(replace(KNOWN, weight=None),)), "", id="numbers that never arrived"),
        pytest.param(looks(LINEAR, NLL, parameters=(KNOWN,)), "", id="a graph"),
    ],
)
def test_a_loss_that_lost_its_graph_is_found(seen, found):
    assert rule(detached_loss, seen) == found


def test_log_softmax_of_log_softmax_is_a_hint_only():
    finding = log_softmax_twice(looks(*chain(LINEAR, LOG_SOFTMAX, LOG_SOFTMAX, NLL)), [])
    assert finding is not None
    assert (finding.rule, finding.severity) == ("loss.log_softmax_twice", Severity.INFO)
    assert rule(probabilities, looks(*chain(LINEAR, LOG_SOFTMAX, LOG_SOFTMAX, NLL))) == ""
    assert rule(log_softmax_twice, looks(*chain(LINEAR, LOG_SOFTMAX, NLL))) == ""
    columns = op("LogSoftmax", N, 3, settings={"dim": 0})
    assert rule(log_softmax_twice, looks(*chain(LINEAR, LOG_SOFTMAX, columns, op("Sum")))) == ""
