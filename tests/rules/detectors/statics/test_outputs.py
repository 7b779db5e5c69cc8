"""Last operations of models, and models that are linear in disguise."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.statics.activation import no_activation
from otel_mldebug.rules.detectors.statics.outputs import bounded_logits, output_range
from otel_mldebug.rules.looks import Layer
from otel_mldebug.semconv.names import Severity
from tests.rules.detectors.statics.build import LINEAR, NLL, UNIT, N, chain, look, looks, op, rule, stats, target

LOG_SOFTMAX = op("LogSoftmax", N, 3, settings={"dim": 1})
MSE = op("MseLoss", operands=((N, 1), (N, 1)))


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        pytest.param("Relu", target(-3.0, 3.0), id="ReLU and standardised targets"),
        pytest.param("Relu", target(-9.0, -1.0, -4.0, 2.0), id="ReLU and negative targets"),
        pytest.param("Sigmoid", target(-0.42, 2.8, 0.0, 1.0), id="sigmoid and standardised pixels"),
        pytest.param("Sigmoid", target(-1.0, 1.0, -0.4, 0.7), id="sigmoid and pixels from -1 to 1"),
        pytest.param("Tanh", target(0.0, 255.0, 33.0, 78.0), id="tanh and pixels to 255"),
        pytest.param("Softmax", target(1.0, 5.0, 3.0, 1.2), id="softmax and ratings"),
    ],
)
def test_targets_that_outputs_can_never_reach_are_found(kind, part):
    seen = look(*chain(UNIT, op(kind, N, 1, layer="net.5"), MSE), parts=(part,))
    finding = output_range([seen], [])
    assert finding is not None
    assert (finding.rule, finding.severity) == ("loss.output_range", Severity.ERROR)
    assert finding.evidence["layer"] == "net.5"
    assert finding.evidence["target_high"] == part.stats.high


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        pytest.param("Relu", (target(0.0, 9.0, 3.0, 2.0),), id="ReLU and counts"),
        pytest.param("Relu", (target(-0.01, 9.0, 3.0, 2.0),), id="ReLU and counts with a rounding error"),
        pytest.param("Sigmoid", (target(0.0, 1.0, 0.3, 0.4),), id="sigmoid and pixels"),
        pytest.param("Tanh", (target(-1.0, 1.0, 0.0, 0.7),), id="tanh and pixels from -1"),
        pytest.param("Tanh", (target(-1.4, 1.3, 0.0, 0.4),), id="tanh and a few outliers"),
        pytest.param("Addmm", (target(-100.0, 100.0, 0.0, 50.0),), id="no activation"),
        pytest.param("Relu", (), id="target not known"),
        pytest.param("Relu", (target(-3.0, 3.0), target(-3.0, 3.0)), id="which target is not known"),
        pytest.param("Relu", (target(-3.0, 3.0, stats=None),), id="numbers not known"),
        pytest.param("Relu", (target(-3.0, 3.0, dtype="int64"),), id="not a regression"),
    ],
)
def test_targets_within_reach_are_left_alone(kind, parts):
    assert rule(output_range, [look(*chain(UNIT, op(kind, N, 1), MSE), parts=parts)]) == ""


def test_targets_of_a_loss_by_hand_count_too():
    given = op("Relu", N, 1, output=stats(0.0, 1.0, 0.4, 0.3))
    hand = chain(UNIT, given, op("Sub", N, 1), op("Pow", N, 1, operand=stats(-3.0, 4.0, 0.4, 1.1)), op("Mean"))
    unused = target(-3.0, 3.0, role="")
    assert rule(output_range, [look(*hand, parts=(unused,))]) == "loss.output_range"
    changed = target(-3.0, 3.0, 0.5, role="")
    assert rule(output_range, [look(*hand, parts=(changed,))]) == ""
    assert rule(output_range, [look(*hand, parts=(target(-3.0, 3.0),))]) == ""
    assert rule(output_range, [look(*hand[:3], parts=(unused,))]) == ""


def test_a_column_of_a_part_is_not_the_part():
    columns = target(-3.0, 300.0, 50.0, 60.0, shape=(N, 5))
    assert rule(output_range, [look(*chain(UNIT, op("Sigmoid", N, 1), MSE), parts=(columns,))]) == ""


@pytest.mark.parametrize(
    ("operations", "severity"),
    [
        pytest.param(chain(LINEAR, op("Relu", N, 3), LOG_SOFTMAX, NLL), Severity.WARNING, id="ReLU"),
        pytest.param(chain(LINEAR, op("Tanh", N, 3), LOG_SOFTMAX, NLL), Severity.WARNING, id="tanh"),
        pytest.param(
            chain(LINEAR, op("Relu", N, 3), op("Softmax", N, 3), op("Log", N, 3), NLL),
            Severity.WARNING,
            id="softmax later",
        ),
        pytest.param(
            chain(UNIT, op("Relu", N, 1), op("Sigmoid", N, 1), op("BinaryCrossEntropy")),
            Severity.ERROR,
            id="sigmoid later",
        ),
        pytest.param(
            chain(UNIT, op("Relu", N, 1), op("BinaryCrossEntropyWithLogits")), Severity.ERROR, id="ReLU, binary"
        ),
        pytest.param(
            chain(UNIT, op("Tanh", N, 1), op("BinaryCrossEntropyWithLogits")), Severity.WARNING, id="tanh, binary"
        ),
    ],
)
def test_logits_with_an_activation_are_found(operations, severity):
    finding = bounded_logits([look(*operations)], [])
    assert finding is not None
    assert (finding.rule, finding.severity) == ("loss.bounded_logits", severity)


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param(chain(op("Addmm", N, 8), op("Relu", N, 8), LINEAR, LOG_SOFTMAX, NLL), id="a hidden layer"),
        pytest.param(chain(LINEAR, op("Tanh", N, 3), op("Mul", N, 3), LOG_SOFTMAX, NLL), id="clipped and scaled"),
        pytest.param(chain(UNIT, op("Relu", N, 1), MSE), id="a regression"),
        pytest.param(
            chain(UNIT, op("Relu", N, 8), op("Sigmoid", N, 8), LINEAR, LOG_SOFTMAX, NLL), id="a gate in the middle"
        ),
    ],
)
def test_logits_without_an_activation_are_left_alone(operations):
    assert rule(bounded_logits, [look(*operations)]) == ""


def test_of_several_losses_and_targets_it_is_not_known_which_belong_together():
    twice = (*chain(UNIT, op("Sigmoid", N, 1), MSE), replace(MSE, inputs=(0,)))
    wide = target(-3.0, 300.0, 50.0, 60.0)
    assert rule(output_range, [look(*twice, parts=(wide, target(0.0, 1.0, shape=(N, 5))))]) == ""
    assert rule(output_range, [look(*twice, parts=(wide,))]) == "loss.output_range"


def test_an_autoencoder_is_compared_with_its_input():
    pixels = target(-0.42, 2.8, 0.0, 1.0, role="input")
    seen = look(*chain(UNIT, op("Sigmoid", N, 1), MSE), parts=(pixels,))
    assert rule(output_range, [seen]) == "loss.output_range"
    other = look(*chain(UNIT, op("Sigmoid", N, 1), MSE), parts=(target(-3, 3, role="input", shape=(N, 9)),))
    assert rule(output_range, [other]) == ""


FIRST = op("Addmm", N, 64, layer="fc1", operands=((N, 20), (20, 64)))
SECOND = op("Addmm", N, 3, layer="fc2", operands=((N, 64), (64, 3)))
CONVOLUTIONS = (
    op("Convolution", N, 8, 6, 6, layer="c1", operands=((N, 1, 8, 8), (8, 1, 3, 3))),
    op("Convolution", N, 8, 4, 4, layer="c2", operands=((N, 8, 6, 6), (8, 8, 3, 3))),
)


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param(chain(FIRST, SECOND, LOG_SOFTMAX, NLL), id="two layers"),
        pytest.param(chain(FIRST, op("Mul", N, 64), SECOND, LOG_SOFTMAX, NLL), id="dropout in between"),
        pytest.param(chain(*CONVOLUTIONS, op("View", N, 128), SECOND, LOG_SOFTMAX, NLL), id="convolutions"),
    ],
)
def test_layers_without_an_activation_are_found(operations):
    finding = no_activation([look(*operations)], [])
    assert finding is not None
    assert (finding.rule, finding.severity) == ("model.no_activation", Severity.WARNING)


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param(chain(FIRST, op("Relu", N, 64), SECOND, LOG_SOFTMAX, NLL), id="an activation"),
        pytest.param(chain(FIRST, op("SomebodysOwn", N, 64), SECOND, LOG_SOFTMAX, NLL), id="something unknown"),
        pytest.param(chain(LINEAR, LOG_SOFTMAX, NLL), id="logistic regression"),
        pytest.param(
            chain(
                op("Addmm", N, 2, operands=((N, 20), (20, 2))),
                op("Addmm", N, 20, operands=((N, 2), (2, 20))),
                op("MseLoss"),
            ),
            id="linear autoencoder",
        ),
        pytest.param(
            chain(op("Embedding", N, 5, 8), op("Addmm", N, 64), SECOND, NLL), id="not from the first layer on"
        ),
        pytest.param(
            (FIRST, FIRST, op("Add", N, 64, inputs=(0, 1)), op("Addmm", N, 3, inputs=(2,))), id="two branches"
        ),
        pytest.param(chain(op("Addmm", N, 64), SECOND, NLL), id="size of the input not known"),
    ],
)
def test_networks_with_activations_or_a_reason_are_left_alone(operations):
    assert rule(no_activation, [look(*operations)]) == ""


def test_a_look_that_was_cut_says_nothing_of_what_comes_first():
    assert rule(no_activation, looks(*chain(FIRST, SECOND, LOG_SOFTMAX, NLL), complete=False)) == ""


ROOTS = (Layer(name="Net", kind="Net", root=True), Layer(name="Net#2", kind="Net", root=True))


@pytest.mark.parametrize(
    ("roots", "owner", "found"),
    [
        pytest.param(ROOTS, "Net#2.0", "", id="from one model into another one"),
        pytest.param(ROOTS, "Net.2", "model.no_activation", id="within one of two models"),
        pytest.param(ROOTS[:1], "head", "model.no_activation", id="within the only model"),
        pytest.param(ROOTS, "", "model.no_activation", id="of a layer that is not known"),
    ],
)
def test_a_chain_from_one_model_into_another_is_no_network(roots, owner, found):
    operations = chain(replace(FIRST, layer="Net.0"), replace(SECOND, layer=owner), LOG_SOFTMAX, NLL)
    assert rule(no_activation, [look(*operations, layers=roots)]) == found
