"""Modes of models, dropout, settings of optimizers."""

import math
from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.statics.dropout import dropout_chance, dropout_output
from otel_mldebug.rules.detectors.statics.modes import batch_of_one, eval_mode
from otel_mldebug.rules.detectors.statics.settings import learning_rate, momentum, weight_decay
from otel_mldebug.rules.looks import Layer, Look
from otel_mldebug.semconv.names import Severity
from tests.rules.detectors.layers import building
from tests.rules.detectors.layers.building import FALLING, FLAT
from tests.rules.detectors.statics.build import (
    LINEAR,
    NLL,
    N,
    chain,
    dropout,
    look,
    looks,
    op,
    root,
    rule,
    stats,
    weight,
)

BODY, HEAD = weight("body", 64, 64), weight("head", 3, 8)
NORM = Layer(name="bn", kind="BatchNorm1d", training=False, settings={"track_running_stats": True})
PLAIN = Layer(name="ln", kind="LayerNorm", training=False)
LOG_SOFTMAX = op("LogSoftmax", N, 3, settings={"dim": 1})


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(dropout(training=False), id="dropout"),
        pytest.param(
            Layer(name="lstm", kind="LSTM", training=False, settings={"dropout": 0.3}), id="inside of an LSTM"
        ),
        pytest.param(NORM, id="batch normalisation"),
    ],
)
def test_training_in_evaluation_mode_is_found(layer):
    seen = looks(layers=(root(training=False), layer), parameters=(BODY, HEAD))
    finding = eval_mode(seen, [])
    assert finding is not None
    assert (finding.rule, finding.severity) == ("training.eval_mode", Severity.WARNING)
    assert finding.evidence["layer"] == layer.name


def test_the_finding_says_when_training_mode_was_left():
    awake = look(step=8, layers=(root(), dropout()), parameters=(BODY,))
    asleep = [
        look(step=i, layers=(root(training=False), dropout(training=False)), parameters=(BODY,)) for i in (16, 32)
    ]
    finding = eval_mode([awake, *asleep], [])
    assert finding is not None
    assert finding.evidence["step"] == 16
    assert "train() was not called after it" in finding.cause
    assert rule(eval_mode, [*asleep, awake]) == ""


@pytest.mark.parametrize(
    ("layers", "parameters"),
    [
        pytest.param((root(), dropout()), (BODY,), id="training mode"),
        pytest.param((root(), NORM), (BODY,), id="only normalisation is in evaluation mode"),
        pytest.param((root(training=False), NORM), (weight("body", 64, 64, trainable=False), HEAD), id="a frozen body"),
        pytest.param((root(training=False), NORM), (weight("body", 64, 64, optimized=False), HEAD), id="a fixed body"),
        pytest.param((root(training=False), dropout(training=False, p=0.0)), (BODY,), id="nothing to drop"),
        pytest.param((root(training=False),), (BODY,), id="no layer that cares"),
        pytest.param(
            (root(training=False), Layer(name="gru", kind="GRU", training=False, settings={"dropout": 0.0})), (BODY,),
            id="an LSTM without dropout",
        ),
        pytest.param((root(training=False), root(), NORM), (BODY,), id="another model trains"),
        pytest.param(
            (root(training=False), Layer(name="bn", kind="BatchNorm1d", training=False,
                                         settings={"track_running_stats": False})),
            (BODY,), id="no running statistics",
        ),
        pytest.param((root(training=False), PLAIN), (BODY,), id="LayerNorm"),
        pytest.param((), (), id="nothing seen"),
    ],
)  # fmt: skip
def test_modes_that_are_meant_are_left_alone(layers, parameters):
    assert rule(eval_mode, looks(layers=layers, parameters=parameters)) == ""


def test_one_look_in_evaluation_mode_is_not_enough():
    assert rule(eval_mode, looks(layers=(root(training=False), NORM), parameters=(BODY,), count=1)) == ""


def test_normalising_a_single_sample_is_a_hint():
    single = op("NativeBatchNorm", 1, 8, 4, 4, layer="bn", settings={"training": True})
    finding = batch_of_one(looks(single, layers=(NORM,)), [])
    assert finding is not None
    assert finding.severity is Severity.INFO
    assert rule(batch_of_one, looks(replace(single, settings={"training": False}), layers=(NORM,))) == ""
    assert rule(batch_of_one, looks(replace(single, shape=(2, 8, 4, 4)), layers=(NORM,))) == ""
    assert rule(batch_of_one, looks(single, layers=(replace(NORM, kind="InstanceNorm2d"),))) == ""


@pytest.mark.parametrize(
    ("layer", "severity"),
    [
        pytest.param(dropout(p=0.95), Severity.WARNING, id="nearly all"),
        pytest.param(dropout(p=1.0), Severity.ERROR, id="all"),
        pytest.param(dropout(p=0.8), None, id="much"),
        pytest.param(dropout(p=0.95, training=False), None, id="in evaluation"),
        pytest.param(Layer(name="bn", kind="BatchNorm1d", settings={"momentum": 0.99}), None, id="no dropout"),
    ],
)
def test_dropout_that_leaves_nothing_is_found(layer, severity):
    finding = dropout_chance(looks(layers=(root(), layer)), [])
    assert (finding.severity if finding is not None else None) == severity


@pytest.mark.parametrize(
    ("mask", "found"),
    [
        pytest.param(stats(0.0, 10.0, 1.0, 3.0, zero=0.9, size=512), "model.dropout_chance", id="nine in ten"),
        pytest.param(stats(0.0, 20.0, 1.02, 4.4, zero=0.949, size=512), "model.dropout_chance", id="more"),
        pytest.param(stats(0.0, 2.0, 1.0, 1.0, zero=0.5, size=512), "", id="half"),
        pytest.param(stats(0.0, 1.0, 0.1, 0.3, zero=0.9, size=512), "", id="a mask of 0 and 1"),
        pytest.param(stats(0.0, 10.0, 1.0, 2.0, zero=0.6, size=512), "", id="sparse features"),
        pytest.param(stats(0.0, 10.0, 1.0, 3.0, zero=0.9, size=32), "", id="too few to tell"),
    ],
)
def test_dropout_by_a_function_is_known_by_its_mask(mask, found):
    mul = op("Mul", N, 32, operand=mask, layer="fc1")
    assert rule(dropout_chance, looks(*chain(op("Addmm", N, 32), mul, LINEAR, LOG_SOFTMAX, NLL))) == found


MASK = op("Mul", N, 3, operand=stats(0.0, 2.0, 1.0, 1.0, zero=0.5))


@pytest.mark.parametrize(
    ("operations", "found"),
    [
        pytest.param(chain(LINEAR, MASK, LOG_SOFTMAX, NLL), "model.dropout_output", id="mask"),
        pytest.param(chain(LINEAR, op("NativeDropout", N, 3), op("MseLoss")), "model.dropout_output", id="fused"),
        pytest.param(chain(LINEAR, MASK, op("Select", N), op("MseLoss")), "model.dropout_output", id="of one column"),
        pytest.param(chain(op("Addmm", N, 8), MASK, LINEAR, LOG_SOFTMAX, NLL), "", id="before the last layer"),
        pytest.param(
            chain(LINEAR, op("Mul", N, 3, operand=stats(0.0, 5.0, zero=0.3)), LOG_SOFTMAX, NLL),
            "",
            id="some other mask",
        ),
        pytest.param(chain(LINEAR, op("Mul", N, 3), LOG_SOFTMAX, NLL), "", id="a factor"),
        pytest.param(chain(LINEAR, LOG_SOFTMAX, NLL), "", id="none"),
    ],
)
def test_dropout_of_outputs_is_found(operations, found):
    assert rule(dropout_output, looks(*operations, layers=(root(), dropout()))) == found


@pytest.mark.parametrize(("chance", "severity"), [(0.1, "info"), (0.2, "info"), (0.3, "warning"), (0.5, "warning")])
def test_light_dropout_of_outputs_does_little_harm(chance, severity):
    mask = op("Mul", N, 3, operand=stats(0.0, 1 / (1 - chance), 1.0, 1.0, zero=chance))
    layers = (root(), dropout(p=chance), dropout(p=0.5, name="hidden"))

    finding = dropout_output(looks(*chain(LINEAR, mask, LOG_SOFTMAX, NLL), layers=layers), [])

    assert str(finding.severity) == severity


@pytest.mark.parametrize(
    ("detector", "kind", "settings", "found"),
    [
        pytest.param(momentum, "SGD", {"momentum": 1.0}, "optimizer.momentum", id="momentum 1"),
        pytest.param(momentum, "SGD", {"momentum": 0.999}, "optimizer.momentum", id="momentum 0.999"),
        pytest.param(momentum, "Adam", {"momentum": 0.999}, "optimizer.momentum", id="betas the wrong way round"),
        pytest.param(momentum, "SGD", {"momentum": 0.99}, "", id="momentum 0.99"),
        pytest.param(momentum, "SGD", {"momentum": 0.995}, "", id="momentum 0.995"),
        pytest.param(learning_rate, "Adam", {"learning_rate": 1.0}, "optimizer.learning_rate", id="Adam with 1"),
        pytest.param(learning_rate, "Adam", {"learning_rate": 0.1}, "", id="Adam with 0.1"),
        pytest.param(learning_rate, "SGD", {"learning_rate": 1.0}, "", id="SGD with 1"),
        pytest.param(learning_rate, "Adadelta", {"learning_rate": 1.0}, "", id="Adadelta's default"),
        pytest.param(learning_rate, "LBFGS", {"learning_rate": 1.0}, "", id="LBFGS's default"),
        pytest.param(learning_rate, "Adam", {"learning_rate": 1.0, "layer": ""}, "", id="an image"),
        pytest.param(learning_rate, "Adam", {"learning_rate": None}, "", id="rate not known"),
        pytest.param(weight_decay, "Adam", {"decay": 1.0}, "optimizer.weight_decay", id="Adam with decay 1"),
        pytest.param(weight_decay, "AdamW", {"decay": 100.0}, "optimizer.weight_decay", id="AdamW with decay 100"),
        pytest.param(weight_decay, "AdamW", {"decay": 1.0}, "", id="AdamW with decay 1"),
        pytest.param(weight_decay, "SGD", {"decay": 5e-4}, "", id="SGD's usual decay"),
        pytest.param(weight_decay, "SGD", {"decay": 0.0}, "", id="no decay"),
    ],
)
def test_settings_that_cannot_work_are_found(detector, kind, settings, found):
    seen = looks(parameters=(weight("fc", 8, 8, **settings),), optimizer_kind=kind, optimizer=kind)
    assert rule(detector, seen) == found
    frozen = looks(parameters=(weight("fc", 8, 8, **settings, trainable=False),), optimizer_kind=kind)
    assert rule(detector, frozen) == ""


@pytest.mark.parametrize(
    ("left", "decay", "window", "step"),
    [
        pytest.param(0.001, 0.05, FLAT, 8, id="nothing is left and nothing learned"),
        pytest.param(0.1, 0.05, FLAT, None, id="a tenth is left"),
        pytest.param(0.001, 0.05, FALLING, None, id="the loss falls"),
        pytest.param(0.001, 0.05, [], None, id="the loss is not known"),
        pytest.param(0.001, 0.0, FLAT, None, id="no decay: something else has made them small"),
        pytest.param(None, 0.05, FLAT, None, id="not measured"),
        pytest.param(math.nan, 0.05, FLAT, None, id="not finite any more"),
    ],
)
def test_a_decay_that_has_taken_the_weights_away_is_found(left, decay, window, step):
    """The bias of a table starts at 0: it says nothing, whatever becomes of it."""

    def seen(number, share):
        wild = share is not None and math.isnan(share)
        values = building.stats(8400, 0.0 if wild else share, nonfinite=float(wild)) if share is not None else None
        table = weight("user", 700, 12, decay=decay, weight=values)
        offsets = weight("offsets", 700, 1, decay=decay, weight=building.stats(700, 0.1 if number else 0.0))
        return Look(step=number, time_ns=number, parameters=(table, offsets), optimizer="Adam", optimizer_kind="Adam")

    finding = weight_decay([seen(0, 1.0), seen(4, 0.5), seen(8, left), seen(16, left)], window)
    assert (finding and finding.evidence["step"]) == step
    assert finding is None or "user came to less than 2% of what was drawn" in finding.summary


@pytest.mark.parametrize(("kept", "found"), [(1, True), (2, False)])
def test_a_decay_is_blamed_only_if_half_of_the_weights_have_gone(kept, found):
    def seen(number, share):
        lost = weight("lost", 64, 64, decay=0.05, weight=building.stats(4096, share))
        rest = [weight(f"kept{i}", 64, 64, decay=0.05, weight=building.stats(4096, 1.0)) for i in range(kept)]
        return Look(step=number, time_ns=number, parameters=(lost, *rest), optimizer="SGD", optimizer_kind="SGD")

    assert (weight_decay([seen(0, 1.0), seen(8, 0.001)], FLAT) is not None) == found


@pytest.mark.parametrize(
    ("last", "severity"),
    [
        pytest.param(op("LogSoftmax", 1, 3), Severity.WARNING, id="a class of the whole sample"),
        pytest.param(op("BinaryCrossEntropyWithLogits", 1), Severity.WARNING, id="one of two classes"),
        pytest.param(op("LogSoftmax", 1, 3, 16, 16), Severity.INFO, id="a class of each pixel"),
        pytest.param(op("MseLoss"), Severity.INFO, id="from image to image"),
    ],
)
def test_a_classifier_that_normalises_single_samples_is_warned_of(last, severity):
    single = op("NativeBatchNorm", 1, 8, 4, 4, layer="bn", settings={"training": True})
    finding = batch_of_one(looks(single, last, layers=(NORM,)), [])
    assert finding is not None
    assert finding.severity is severity
