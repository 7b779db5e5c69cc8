"""Gradients that are kept, steps of the wrong size, and formats that are too narrow."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.layers.precision import collapsed_scale, nonfinite_weights
from otel_mldebug.rules.detectors.layers.stale import kept_gradients
from otel_mldebug.rules.detectors.layers.underflow import underflow
from otel_mldebug.rules.detectors.layers.updates import rate_too_high, rate_too_low
from otel_mldebug.rules.looks import Operation
from tests.rules.detectors.layers.building import AT, FALLING, FLAT, NET, chain, looks, stats, steps, weight


def told(*stale, at=AT):
    return [replace(look, stale=s) for look, s in zip(looks(NET, at), stale, strict=False)]


@pytest.mark.parametrize(
    ("seen", "fires"),
    [
        pytest.param(told(None, True, True, True, True), True, id="kept in each"),
        pytest.param(told(None, False, False, True, True), False, id="twice"),
        pytest.param(told(None, True, True, True, True, False), False, id="over"),
        pytest.param(told(None, False, False, False, False), False, id="set to zero"),
        pytest.param(told(None, None, None, None), False, id="not looked at"),
        pytest.param(told(None, True, True, True, at=(0, 1, 2, 3)), False, id="too short"),
    ],
)
def test_gradients_that_are_never_set_to_zero(seen, fires):
    finding = kept_gradients(seen, [])
    assert (finding and finding.rule) == ("gradient.not_zeroed" if fires else None)


def test_growing_gradients_make_it_surer():
    growing = steps([1.0] * 20, [1.0 + i for i in range(20)])
    sure, less = (kept_gradients(told(None, True, True, True, True, True), r) for r in (growing, FLAT))
    assert (sure.confidence, less.confidence) == (0.95, 0.85)
    assert sure.evidence["gradient_norm_growth"] == 9.5


def moving(ratio, **other):
    return [replace(p, update_ratio=ratio, **other) for p in NET]


@pytest.mark.parametrize(
    ("parameters", "records", "fires"),
    [
        pytest.param(moving(1.0), FLAT, True, id="as large as the weights"),
        pytest.param(moving(1.0), FALLING, False, id="and the loss falls"),
        pytest.param(moving(1.0), [], False, id="loss unknown"),
        pytest.param(moving(0.2), FLAT, False, id="Adam on a narrow network"),
        pytest.param(moving(1.0, weight=stats(4096, zero=1.0)), FLAT, False, id="weights that start at 0"),
        pytest.param(moving(None), FLAT, False, id="not measured"),
        pytest.param([*NET[:4], *moving(1.0)[4:]], FLAT, False, id="some layers"),
    ],
)
def test_steps_that_are_too_large(parameters, records, fires):
    finding = rate_too_high(looks(parameters), records)
    assert (finding and finding.rule) == ("learning_rate.too_high" if fires else None)


def silenced(*, ratio=0.5, silent=2, norm=0.0):
    """Return looks into steps of which the first changes weights by much, and gradients of some are gone after it."""
    first, *rest = looks(moving(0.01), at=(0, 8, 16, 32, 48, 72, 108, 162, 243))
    gone = [replace(p, gradient=stats(4096, norm)) if i < silent else p for i, p in enumerate(NET)]
    return [
        replace(first, parameters=tuple(replace(p, update_ratio=ratio) for p in first.parameters)),
        *(replace(look, parameters=tuple(gone)) for look in rest),
    ]


@pytest.mark.parametrize(
    ("seen", "fires"),
    [
        pytest.param(silenced(), True, id="a policy that is sure of itself"),
        pytest.param(silenced(ratio=0.05), False, id="first steps of a usual size"),
        pytest.param(silenced(norm=1e-9), False, id="tiny gradients"),
        pytest.param(silenced(silent=1), False, id="a single weight"),
        pytest.param(silenced(silent=len(NET)), False, id="all of them: a hinge that holds"),
        pytest.param(silenced()[:6], False, id="too few looks"),
    ],
)
def test_first_steps_after_which_there_are_no_gradients(seen, fires):
    finding = rate_too_high(seen, FLAT)
    assert (finding and finding.rule) == ("learning_rate.too_high" if fires else None)


def thrown(up, level, count=100):
    return steps([2.0, *[up] * 12, *[level] * (count - 13)])


@pytest.mark.parametrize(
    ("ratio", "records", "fires"),
    [
        pytest.param(2.0, thrown(6.0, 2.1), True, id="up, and back to where it began"),
        pytest.param(2.0, thrown(6.0, 1.5), False, id="and below that"),
        pytest.param(2.0, thrown(2.2, 2.1), False, id="hardly up"),
        pytest.param(2.0, thrown(6.0, 6.0), False, id="it has had no time to come back"),
        pytest.param(2.0, thrown(6.0, 2.1, count=60), False, id="too early"),
        pytest.param(0.5, thrown(6.0, 2.1), False, id="a small step"),
        pytest.param(2.0, thrown(-6.0, 2.1), False, id="losses below 0"),
    ],
)
def test_a_first_step_that_throws_the_loss_up(ratio, records, fires):
    first, *rest = looks(moving(0.01))
    seen = [replace(first, parameters=tuple(replace(p, update_ratio=ratio) for p in first.parameters)), *rest]
    finding = rate_too_high(seen, records)
    assert (finding and finding.evidence["step"]) == (0 if fires else None)


@pytest.mark.parametrize(
    ("parameters", "records", "fires"),
    [
        pytest.param(moving(1e-9), FLAT, True, id="a billionth"),
        pytest.param(moving(1e-9), FALLING, False, id="and the loss falls"),
        pytest.param(moving(1e-5), FLAT, False, id="fine-tuning"),
        pytest.param(moving(0.0), FLAT, False, id="none at all: another rule"),
        pytest.param([*moving(1e-9)[:5], *NET[5:]], FLAT, False, id="a discriminative rate, with one layer at work"),
    ],
)
def test_steps_that_are_too_small(parameters, records, fires):
    finding = rate_too_low(looks(parameters), records)
    assert (finding and finding.rule) == ("learning_rate.too_low" if fires else None)


def test_a_warm_up_is_not_too_low():
    warming = [
        replace(look, parameters=tuple(replace(p, learning_rate=1e-9 * (1 + look.step)) for p in look.parameters))
        for look in looks(moving(1e-9))
    ]
    assert rate_too_low(warming, FLAT) is None


def half(zero, tiny=0.0, dtype="float16"):
    return [weight(f"fc{i}", dtype=dtype, gradient=stats(4096, 1e-7, zero=zero, tiny=tiny)) for i in range(4)]


@pytest.mark.parametrize(
    ("parameters", "same", "fires"),
    [
        pytest.param(half(0.3, 0.4), {}, True, id="zeros and subnormal numbers in float16"),
        pytest.param(half(0.7, dtype="float32"), {"autocast": "float16"}, True, id="zeros under autocast"),
        pytest.param(half(0.7), {"scale": 1.0}, True, id="a scaler that does not scale"),
        pytest.param(half(0.7), {"scale": 1024.0}, False, id="a scaler"),
        pytest.param(half(0.7, dtype="bfloat16"), {"autocast": "bfloat16"}, False, id="bfloat16"),
        pytest.param(half(0.7, dtype="float32"), {}, False, id="float32: dead units"),
        pytest.param(half(0.1), {}, False, id="few"),
    ],
)
def test_gradients_that_float16_loses(parameters, same, fires):
    finding = underflow(looks(parameters, **same), FLAT)
    assert (finding and finding.rule) == ("precision.underflow" if fires else None)


def flushed(zero, high, **other):
    small = replace(stats(4096, high / 64, zero=zero), low=-high, high=high)
    return [weight(f"fc{i}", gradient=small, **other) for i in range(3)]


@pytest.mark.parametrize(
    ("parameters", "same", "fires"),
    [
        pytest.param(flushed(0.9, 2e-7), {"autocast": "float16"}, True, id="nothing else is left"),
        pytest.param(flushed(0.9, 2e-7), {"autocast": "float16", "scale": 1024.0}, False, id="a scaler"),
        pytest.param(flushed(0.9, 2e-7), {"autocast": "bfloat16"}, False, id="bfloat16"),
        pytest.param(flushed(0.9, 2e-7), {}, False, id="no autocast"),
        pytest.param(flushed(0.6, 2e-7), {"autocast": "float16"}, False, id="zeros of ReLU"),
        pytest.param(flushed(0.9, 1e-3), {"autocast": "float16"}, False, id="sparse gradients of a usual size"),
        pytest.param(flushed(1.0, 0.0), {"autocast": "float16"}, False, id="no gradients at all"),
    ],
)
def test_gradients_that_float16_has_flushed_to_0_are_told_however_low_the_loss_is(parameters, same, fires):
    finding = underflow(looks(parameters, loss=1e-6, **same), FALLING)
    assert (finding and finding.rule) == ("precision.underflow" if fires else None)


def cross_entropy(*last, scores=(288, 300), reduction=2, cast="ToCopy"):
    """Return how autocast does it: logits in float16, the loss of them in float32."""
    made = (
        Operation(kind="Addmm", layer="head", shape=scores),
        Operation(kind=cast, layer="head", shape=scores),
        Operation(kind="LogSoftmax", shape=scores),
        Operation(kind="NllLoss", settings={"reduction": reduction}),
    )
    return {"operations": chain(*made, *last), "autocast": "float16"}


def by(kind, factor):
    return Operation(kind=kind, operand=stats(1, 0.0, mean=factor))


def binary(*last):
    made = (Operation(kind="Addmm", layer="head", shape=(64, 1 << 20)), Operation(kind="ToCopy", shape=(64, 1 << 20)))
    loss = Operation(kind="BinaryCrossEntropyWithLogits", settings={"reduction": 1})
    return {"operations": chain(*made, loss, *last), "autocast": "float16"}


FULL = [weight("fc"), weight("head")]


@pytest.mark.parametrize(
    ("same", "fires"),
    [
        pytest.param(cross_entropy(by("Div", 480_000.0)), True, id="a sum over the tokens of the data set"),
        pytest.param(cross_entropy(by("Mul", 2e-6)), True, id="the same by a factor"),
        pytest.param(cross_entropy(by("Div", 480_000.0)) | {"scale": 65536.0}, False, id="a scaler"),
        pytest.param(cross_entropy(by("Div", 480_000.0)) | {"autocast": ""}, False, id="float32"),
        pytest.param(cross_entropy(by("Div", 480_000.0)) | {"autocast": "bfloat16"}, False, id="bfloat16"),
        pytest.param(cross_entropy(by("Div", 288.0)), False, id="a sum over the tokens of the batch"),
        pytest.param(cross_entropy(reduction=1), False, id="a mean"),
        pytest.param(cross_entropy(scores=(1 << 18, 50_000), reduction=1), True, id="a mean over very many"),
        pytest.param(cross_entropy(by("Div", 480_000.0), by("Mul", 65536.0)), False, id="scaled by hand"),
        pytest.param(cross_entropy(by("Div", 480_000.0), cast="View"), False, id="a head in float32"),
        pytest.param(cross_entropy(Operation(kind="Div")), False, id="divided by nobody knows what"),
        pytest.param(cross_entropy(Operation(kind="Log"), by("Div", 480_000.0)), False, id="bent in between"),
        pytest.param(binary(), True, id="a mean over the pixels of many images"),
        pytest.param(binary(by("Mul", 100.0)), False, id="that, weighted"),
    ],
)
def test_gradients_of_logits_that_float16_loses(same, fires):
    finding = underflow(looks(FULL, **same), FLAT)
    assert (finding and (finding.rule, finding.evidence["layer"])) == (
        ("precision.underflow", "head") if fires else None
    )


def test_gradients_that_are_enough_to_learn_are_left_alone():
    assert underflow(looks(FULL, **cross_entropy(by("Div", 480_000.0))), FALLING) is None


@pytest.mark.parametrize(
    ("scales", "fires"),
    [
        pytest.param([65536.0, 64.0, 0.5, 0.25], True, id="down to a quarter"),
        pytest.param([65536.0, 0.5, 2.0, 4.0], False, id="back again"),
        pytest.param([1.0, 1.0, 1.0], False, id="one on purpose"),
        pytest.param([None, None], False, id="no scaler"),
        pytest.param([65536.0, 32768.0, 16384.0], False, id="finding its scale"),
    ],
)
def test_a_scaler_that_gives_up(scales, fires):
    seen = [replace(look, scale=s) for look, s in zip(looks(NET), scales, strict=False)]
    finding = collapsed_scale(seen, [])
    assert (finding and finding.rule) == ("precision.scale_collapsed" if fires else None)


def test_weights_that_are_not_finite_are_named_with_their_first_step():
    bad = replace(NET[2], weight=stats(4096, nonfinite=0.5))
    finding = nonfinite_weights([*looks(NET)[:4], *looks([*NET[:2], bad, *NET[3:]])[4:]], FLAT)
    assert finding.evidence == {"step": 8, "layer": "fc3", "nonfinite_share": 0.5, "bad": 1}
    assert nonfinite_weights(looks(NET), FLAT) is None
    assert nonfinite_weights(looks([replace(bad, trainable=False)]), FLAT) is None
