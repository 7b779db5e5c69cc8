"""Targets, inputs and batches."""

import pytest

from otel_mldebug.rules.detectors.statics.inputs import constant_input, unnormalised_input
from otel_mldebug.rules.detectors.statics.leakage import target_is_input
from otel_mldebug.rules.detectors.statics.repeats import repeated_batch, repeated_samples
from otel_mldebug.rules.detectors.statics.targets import constant_target, shifted_labels, target_range, target_scale
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Severity
from tests.rules.detectors.statics.build import (
    LINEAR,
    NLL,
    UNIT,
    N,
    batch,
    chain,
    look,
    looks,
    op,
    rule,
    stats,
    target,
)

CLASSES = chain(LINEAR, op("LogSoftmax", N, 3), NLL)


def first(low: float, high: float, mean: float, std: float, **fields: object) -> list[Look]:
    """Return looks at a classifier whose first layer takes this."""
    taken = op("Addmm", N, 3, layer="fc1", operand=stats(low, high, mean, std))
    return looks(*chain(taken, op("LogSoftmax", N, 3), NLL), **fields)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(first(0, 255, 33, 78), id="pixels"),
        pytest.param(first(-900, 3500, 500, 800), id="raw features"),
        pytest.param(first(-50, 150, 50, 30), id="features around 50"),
        pytest.param(first(280, 320, 300, 9), id="temperatures in kelvin"),
    ],
)
def test_inputs_that_were_not_normalised_are_found(seen):
    finding = unnormalised_input(seen, [])
    assert finding is not None
    assert (finding.rule, finding.severity) == ("data.unnormalised_input", Severity.WARNING)
    assert finding.evidence["layer"] == "fc1"


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(first(-3, 3, 0, 1), id="standardised"),
        pytest.param(first(0, 1, 0.1, 0.3), id="pixels from 0 to 1"),
        pytest.param(first(0, 10, 5, 3), id="a coordinate"),
        pytest.param(first(0, 60, 5, 8), id="counts"),
        pytest.param(first(0, 110, 1, 5), id="one large count"),
        pytest.param(first(0, 255, 33, 78, optimizer_kind="LBFGS"), id="an optimizer that does not mind"),
        pytest.param(first(0, 255, 33, 78, complete=False), id="cut, so that nothing is known to be first"),
        pytest.param(first(0, 255, 33, 78, count=1), id="one look"),
        pytest.param(
            looks(op("Addmm", N, 3, operand=stats(0, 255, 33, 78)), *[op("Relu", N, 3, inputs=(0,))] * 600),
            id="so long that the middle may be missing",
        ),
        pytest.param(
            looks(*chain(op("NativeBatchNorm", N, 3, operand=stats(0, 255, 33, 78)), LINEAR)), id="normalised first"
        ),
        pytest.param(looks(*chain(op("Embedding", N, 3, operand=stats(0, 999, 500, 300)), LINEAR)), id="tokens"),
        pytest.param(
            looks(*chain(op("Convolution", N, 3, operand=stats(0, 255, 33, 78)), op("NativeBatchNorm", N, 3))),
            id="normalised right after",
        ),
        pytest.param(looks(op("Addmm", N, 3)), id="numbers not known"),
    ],
)
def test_inputs_that_layers_are_made_for_are_left_alone(seen):
    assert rule(unnormalised_input, seen) == ""


def test_inputs_that_are_all_the_same_are_found():
    finding = constant_input(first(0, 0, 0, 0), [])
    assert finding is not None
    assert (finding.rule, finding.severity) == ("data.constant_input", Severity.ERROR)
    assert rule(constant_input, first(1, 1, 1, 0)) == "data.constant_input"


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(first(0, 1, 0.5, 0.5), id="two values"),
        pytest.param(first(0, 0, 0, 0, count=1), id="one look"),
        pytest.param(looks(op("Addmm", 1, 3, operand=stats(1, 1, 1, 0, size=4))), id="a few numbers"),
        pytest.param(
            looks(op("Addmm", N, 3, operand=stats(0, 0, 0, 0)), op("Addmm", N, 3, operand=stats())), id="a first state"
        ),
        pytest.param(
            looks(op("Addmm", N, 3, operand=stats(0, 0, 0, 0)), op("Embedding", N, 3)), id="a first state, and tokens"
        ),
        pytest.param(looks(), id="nothing seen"),
    ],
)
def test_inputs_that_differ_anywhere_are_left_alone(seen):
    assert rule(constant_input, seen) == ""


def labelled(low: float, high: float, *, count: int = 4, place: str = "batch[1]", same: bool = False) -> list[Look]:
    """Return looks at a classifier with three classes and these labels."""
    label = target(low, high, place=place, shape=(N,), dtype="int64")
    return [look(*CLASSES, step=i, parts=(batch(7 if same else i + 1), label)) for i in range(count)]


def test_labels_of_one_class_are_found():
    finding = constant_target(labelled(2, 2, count=25), [])
    assert finding is not None
    assert (finding.rule, finding.severity) == ("data.constant_target", Severity.WARNING)
    assert dict(finding.evidence) == {"step": 0, "label": 2, "samples": 400, "place": "batch[1]"}


def test_data_that_is_sorted_by_class_is_found_at_the_second_class():
    finding = constant_target([*labelled(0, 0, count=4), *labelled(1, 1, count=1)], [])
    assert finding is not None
    assert finding.summary == "Each batch has labels of one class only, first 0 and then 1 (batch[1])."


VALUES = chain(UNIT, op("MseLoss", operands=((N, 1), (N, 1))))
RESIDUAL = chain(UNIT, op("Mul", N, 1), op("MseLoss", operands=((N, 1), (N, 1))))


@pytest.mark.parametrize(("operations", "found"), [(VALUES, "data.constant_target"), (RESIDUAL, "")])
def test_values_that_are_all_the_same_are_found_where_a_layer_is_to_give_them(operations, found):
    seen = [look(*operations, step=i, parts=(batch(i + 1), target(0, 0, 0, 0))) for i in range(25)]
    assert rule(constant_target, seen) == found


@pytest.mark.parametrize(
    ("loss", "found"),
    [
        pytest.param(lambda step: 1.1 * 0.97**step + 1e-3, "data.constant_target", id="falls smoothly"),
        pytest.param(lambda step: 0.02 + 0.3 * (step % 40 == 39), "", id="a rare class now and then"),
        pytest.param(lambda step: 1.1, "", id="does not fall"),
    ],
)
def test_fewer_labels_are_enough_where_each_loss_says_that_there_is_no_other_class(loss, found):
    window = [StepRecord(index=i, time_ns=i, duration_s=0.01, loss=1.1 if i == 0 else loss(i)) for i in range(150)]
    assert rule(constant_target, labelled(2, 2, count=8), window) == found
    assert rule(constant_target, labelled(2, 2, count=6), window) == ""


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(labelled(0, 2, count=25), id="several classes"),
        pytest.param(labelled(2, 2, count=24), id="a rare class may be there"),
        pytest.param([*labelled(0, 2, count=1), *labelled(2, 2, count=40)], id="a rare class was there"),
        pytest.param(labelled(0, 0, count=25, place="NllLoss"), id="made by a contrastive loss"),
        pytest.param(labelled(2, 2, count=25, same=True), id="one batch on purpose"),
        pytest.param([x for c in (0, 1, 0, 1, 0) for x in labelled(c, c, count=1)], id="one class a batch, in turn"),
        pytest.param([*labelled(0, 0, count=2), *labelled(1, 1, count=1)], id="too few looks"),
        pytest.param([*labelled(0, 0, count=4), *labelled(0, 2, count=3), *labelled(1, 1, count=1)], id="mixed now"),
        pytest.param(looks(*CLASSES), id="not known"),
    ],
)
def test_labels_of_several_classes_are_left_alone(seen):
    assert rule(constant_target, seen) == ""


def test_labels_that_start_at_one_are_a_hint():
    seen = [look(*CLASSES, parts=(target(1, 2, shape=(N,), dtype="int64"),)) for _ in range(4)]
    finding = shifted_labels(seen, [])
    assert finding is not None
    assert finding.severity is Severity.INFO
    assert rule(shifted_labels, labelled(0, 2)) == ""
    assert rule(shifted_labels, labelled(1, 1)) == ""
    assert rule(shifted_labels, seen[:3]) == ""


TOKENS = {"shape": (N,), "dtype": "int64", "digest": 7}


@pytest.mark.parametrize(
    ("taken", "label", "found"),
    [
        pytest.param(batch(7, dtype="int64"), target(0, 2, **TOKENS), "data.target_is_input", id="the same"),
        pytest.param(batch(8, dtype="int64"), target(0, 2, **TOKENS), "", id="shifted"),
        pytest.param(batch(7, dtype="float32"), target(0, 2, **TOKENS), "", id="another type"),
        pytest.param(batch(7, dtype="int64"), target(0, 0, **TOKENS), "", id="all the same number"),
        pytest.param(batch(7, dtype="int64"), target(0, 2, size=4, **TOKENS), "", id="a few"),
        pytest.param(batch(0, dtype="int64"), target(0, 2, **{**TOKENS, "digest": 0}), "", id="not known"),
    ],
)
def test_tokens_that_are_their_own_targets_are_a_hint(taken, label, found):
    seen = looks(*CLASSES, parts=(taken, label))
    assert rule(target_is_input, seen) == found
    assert rule(target_is_input, seen[:2]) == ""


BINARY = chain(UNIT, op("BinaryCrossEntropyWithLogits", operands=((N, 1), (N, 1))))


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (1, 2), (0, 9), (0, 255)])
def test_targets_that_are_no_probabilities_are_found(low, high):
    assert rule(target_range, [look(*BINARY, parts=(target(low, high),))]) == "loss.target_range"


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(look(*BINARY, parts=(target(0, 1),)), id="labels"),
        pytest.param(look(*BINARY, parts=(target(0.1, 0.9),)), id="smoothed"),
        pytest.param(look(*BINARY), id="not known"),
        pytest.param(look(*chain(UNIT, op("MseLoss")), parts=(target(-1, 1),)), id="another loss"),
    ],
)
def test_probabilities_as_targets_are_left_alone(seen):
    assert rule(target_range, [seen]) == ""


def regression(size: float, output: float, place: str = "batch[1]") -> list[Look]:
    """Return looks at a regression whose targets and outputs have these sizes."""
    loss = op("MseLoss", operand=stats(0, output, output, 0), operands=((N, 1), (N, 1)))
    return looks(*chain(UNIT, loss), parts=(target(0, size, size, 0.1 * size, place=place),))


def test_targets_out_of_all_proportion_are_found():
    finding = target_scale(regression(2e5, 0.3), [])
    assert finding is not None
    assert (finding.rule, finding.severity) == ("data.target_scale", Severity.WARNING)
    for size, output in ((1.0, 0.3), (500.0, 0.3), (2e5, 1.9e5)):
        assert rule(target_scale, regression(size, output)) == ""
    assert rule(target_scale, regression(2e5, 0.3)[:2]) == ""
    assert rule(target_scale, regression(2e5, 0.3, "MseLoss")) == "data.target_scale"
    assert rule(target_scale, regression(2e3, 0.3)) == "data.target_scale"
    assert rule(target_scale, regression(2e3, 0.3, "MseLoss")) == ""


def fed(*digests: int, passes: tuple[int, ...] = (), length: int = 40, **part: object) -> list[Look]:
    """Return a look into one step for each digest: one batch after the other of one pass, or the first of several."""
    return [
        look(
            step=i, parts=(batch(digest, **part),), passing=passes[i] if passes else 1, place=1 if passes else i + 1,
            batches=length,
        )
        for i, digest in enumerate(digests)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "severity", "word"),
    [
        pytest.param(fed(5, 5, 5, 5), Severity.ERROR, "__getitem__", id="always"),
        pytest.param(fed(5, 5, 6, 7), Severity.WARNING, "Workers", id="two workers with one generator"),
        pytest.param(fed(5, 6, 7, 5), Severity.WARNING, "Workers", id="later"),
        pytest.param(fed(5, 5, 5, passes=(1, 2, 3)), Severity.ERROR, "next(iter(loader))", id="a new pass each step"),
    ],
)
def test_a_batch_that_comes_again_is_found(seen, severity, word):
    finding = repeated_batch(seen, [])
    assert finding is not None
    assert (finding.rule, finding.severity) == ("data.repeated_batch", severity)
    assert word in finding.cause


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(fed(5, 6, 7, 8), id="all different"),
        pytest.param(fed(5, 6, 7, 5, passes=(1, 2, 3, 4)), id="later passes"),
        pytest.param(fed(5, 5, 5, 5, passes=(1, 2, 3, 4), length=1), id="the whole data set at each step"),
        pytest.param(fed(5, 5, 5, 5, passes=(1, 2, 3, 4), length=0), id="length of a pass not known"),
        pytest.param(fed(5, 5, 5, 5, passes=(0, 0, 0, 0)), id="fetched once"),
        pytest.param(fed(5, 5), id="two looks"),
        pytest.param(fed(5, 5, 5, 5, place="Addmm"), id="not from a loader"),
        pytest.param(fed(5, 5, 5, 5, dtype="int64"), id="not continuous"),
        pytest.param(fed(5, 5, 5, 5, stats=stats(0, 0, 0, 0)), id="constant"),
        pytest.param(fed(5, 5, 5, 5, stats=stats(size=8)), id="small"),
        pytest.param(fed(0, 0, 0, 0), id="contents not known"),
    ],
)
def test_batches_that_may_come_again_are_left_alone(seen):
    assert rule(repeated_batch, seen) == ""


@pytest.mark.parametrize(
    ("part", "found"),
    [
        pytest.param(batch(1, repeated=0.94), "data.repeated_samples", id="all the same"),
        pytest.param(batch(1, repeated=0.2), "", id="drawn with replacement"),
        pytest.param(batch(1, repeated=0.94, shape=(64, 2)), "", id="few features"),
        pytest.param(batch(1, repeated=0.94, stats=stats(0, 1, 0.1, 0.3, zero=0.9)), "", id="one-hot states"),
        pytest.param(batch(1, repeated=0.94, stats=stats(nonfinite=0.05)), "", id="NaN in them"),
        pytest.param(batch(1, repeated=0.94, role=""), "", id="not an input"),
        pytest.param(batch(1, repeated=0.94, dtype="int64"), "", id="tokens"),
    ],
)
def test_samples_that_come_again_in_a_batch_are_found(part, found):
    assert rule(repeated_samples, looks(parts=(part,))) == found
    assert rule(repeated_samples, looks(parts=(part,), count=2)) == ""
