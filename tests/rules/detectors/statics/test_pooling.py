"""Sums whose weights come from a softmax over a single element."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.statics.pooling import constant_weights_of_sum
from otel_mldebug.semconv.names import Severity
from tests.rules.detectors.statics.build import N, look, op, rule, stats, weight

T, D = 10, 32
NOTHING = stats(0.0, 0.0, 0.0, 0.0, norm=0.0, zero=1.0)


def watched(*operations, nothing=("score",), at=(0, 2, 16), **fields):
    """Return looks in which the layers of `nothing` have gradients of 0."""
    layers = dict.fromkeys(o.layer for o in operations if o.kind == "Addmm")
    parameters = tuple(weight(n, 1, D, gradient=NOTHING if n in nothing else stats()) for n in layers)
    return [look(*operations, step=step, parameters=parameters, **fields) for step in at]


def pooled(*shape, dim=2, total=1, product=(N, T, D)):
    """Return attention pooling: scores of one layer, values of another one, and what is made of their sum."""
    return (
        op("Addmm", N * T, 1, layer="score"),
        op("View", *shape, inputs=(0,)),
        op("Softmax", *shape, inputs=(1,), settings={"dim": dim}),
        op("Addmm", N * T, D, layer="embed"),
        op("View", N, T, D, inputs=(3,)),
        op("Mul", *product, inputs=(2, 4)),
        op("Sum", N, D, inputs=(5,), settings={"dim": (total,), "keepdim": False}),
        op("Addmm", N, 3, layer="head", inputs=(6,)),
    )


def multiplied(weights, values, made, *, dim, swap=False):
    """Return attention by a matrix product of these shapes."""
    return (
        op("Addmm", N, D, layer="score"),
        op("Softmax", *weights, inputs=(0,), settings={"dim": dim}),
        op("NativeDropout", *weights, inputs=(1,)),
        op("Addmm", N * T, D, layer="embed"),
        op("View", *values, inputs=(3,)),
        op("Bmm", *made, inputs=(4, 2) if swap else (2, 4)),
        op("Addmm", N, 3, layer="head", inputs=(5,)),
    )


WRONG = pooled(N, T, 1)


@pytest.mark.parametrize(
    ("operations", "places"),
    [
        pytest.param(WRONG, T, id="pooling over places"),
        pytest.param(pooled(N, T, 1, dim=-1, total=-2), T, id="dimensions from the end"),
        pytest.param(multiplied((N, 1, T), (N, T, D), (N, 1, D), dim=1), T, id="over the only query"),
        pytest.param(multiplied((N, T, 1), (N, D, T), (N, D, 1), dim=2, swap=True), T, id="weights behind the values"),
        pytest.param(
            (
                op("Addmm", T, 1, layer="score"),
                op("Softmax", T, 1, inputs=(0,), settings={"dim": 1}),
                op("T", 1, T, inputs=(1,)),
                op("Addmm", T, D, layer="embed"),
                op("Mm", 1, D, inputs=(2, 3)),
                op("Addmm", 1, 2, layer="head", inputs=(4,)),
            ),
            T,
            id="one bag",
        ),
        pytest.param(
            (
                op("Addmm", N * T, 1, layer="score"),
                op("View", N, T, 1, inputs=(0,)),
                op("Softmax", N, T, 1, inputs=(1,), settings={"dim": 2}),
                op("Transpose", N, 1, T, inputs=(2,)),
                op("Bmm", N, 1, D, inputs=(3,)),
                op("Addmm", N, 3, layer="head", inputs=(4,)),
            ),
            T,
            id="values are data",
        ),
    ],
)
def test_attention_whose_weights_are_all_1_is_found(operations, places):
    finding = constant_weights_of_sum(watched(*operations), [])
    assert finding is not None
    assert (finding.rule, finding.severity) == ("loss.softmax_dimension", Severity.ERROR)
    assert finding.evidence["places"] == places
    assert finding.evidence["without_gradient"] == ("score",)


def changed(place, operations=WRONG, **fields):
    return tuple(replace(o, **fields) if i == place else o for i, o in enumerate(operations))


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param(pooled(N, T, 1, dim=1), id="over the places"),
        pytest.param(multiplied((N, 1, 1), (N, 1, D), (N, 1, D), dim=2), id="a single key"),
        pytest.param(multiplied((N, T, 1), (N, 1, D), (N, T, D), dim=2), id="sequences of one place"),
        pytest.param(pooled(N, T, 1, total=2), id="a mixture of one component"),
        pytest.param(pooled(N, T, 1, product=(N, T, 4, D)), id="one expert, its outputs stacked"),
        pytest.param(changed(6, kind="Add"), id="one expert, its output added"),
        pytest.param((*changed(6, kind="Div"),), id="slots, divided by the sum of their weights"),
        pytest.param((*WRONG, op("Bmm", N, 1, 1, inputs=(2, 2))), id="clusters, used twice"),
        pytest.param(pooled(N, T, 1, total=0)[:-1], id="a loss weighed by one gate"),
        pytest.param(changed(2, settings={}), id="dimension not known"),
        pytest.param(changed(2, shape=()), id="shape not known"),
        pytest.param(
            (
                op("Addmm", 1, T, layer="score"),
                op("Softmax", 1, T, inputs=(0,), settings={"dim": 0}),
                op("Addmm", 1, 3, layer="head", inputs=(1,)),
            ),
            id="a batch of one, into a layer",
        ),
    ],
)
def test_weights_of_1_that_weigh_one_place_are_left_alone(operations):
    assert rule(constant_weights_of_sum, watched(*operations)) == ""


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(watched(*WRONG, nothing=()), id="scores get gradients from elsewhere"),
        pytest.param(watched(*WRONG, at=(0, 1, 2)), id="too early"),
        pytest.param(watched(*WRONG, at=(0, 16)), id="too few looks"),
        pytest.param([*watched(*WRONG), *watched(*pooled(N, T, 1, dim=1), at=(32,))], id="only in some steps"),
        pytest.param(
            watched(*WRONG, op("Addmm", N, D, layer="score", inputs=(6,)), nothing=("score",)), id="used elsewhere too"
        ),
    ],
)
def test_what_is_not_so_in_every_look_is_left_alone(seen):
    assert rule(constant_weights_of_sum, seen) == ""
