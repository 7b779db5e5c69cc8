"""How weights start: alike, too large, too small, or in a way that only looks so."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.layers.initial import constant_weights, scale_of_weights
from otel_mldebug.rules.looks import Operation
from tests.rules.detectors.layers.building import NET, chain, looks, stats, weight

ALIKE = {"mean": 0.1, "std": 0.0, "low": 0.1, "high": 0.1}
ZERO = {"std": 0.0, "low": 0.0, "high": 0.0, "norm": 0.0, "zero": 1.0}


def constant(layer, how=ZERO, shape=(64, 64), **other):
    return weight(layer, shape, weight=stats(4096, **how), **other)


FED = chain(("Addmm", "fc1"), ("Relu", "fc1"), ("Addmm", "fc2"), ("NllLoss", ""))
APART = (
    Operation(kind="Addmm", layer="body"),
    Operation(kind="Addmm", layer="fc1", inputs=(0,)),
    Operation(kind="Addmm", layer="fc2", inputs=(0,)),
)
RESIDUAL = (
    Operation(kind="Addmm", layer="fc1"),
    Operation(kind="Addmm", layer="down", inputs=(0,)),
    Operation(kind="Add", layer="", inputs=(0, 1)),
    Operation(kind="Addmm", layer="head", inputs=(2,)),
)
ZERO_RESIDUAL = (replace(RESIDUAL[0], layer="a"), *RESIDUAL[1:])


@pytest.mark.parametrize(
    ("parameters", "operations", "fires"),
    [
        pytest.param([NET[0], constant("down"), constant("head")], RESIDUAL, False, id="a zero head, zero branches"),
        pytest.param([constant(n) for n in ("a", "down", "head")], ZERO_RESIDUAL, True, id="branches, and all is 0"),
        pytest.param([constant("fc1"), constant("fc2")], FED, True, id="all 0"),
        pytest.param([constant("fc1", ALIKE), constant("fc2", ALIKE)], (), True, id="all 0.1"),
        pytest.param([constant("fc1"), constant("fc2")], APART, False, id="two heads that start at 0"),
        pytest.param([constant("out", shape=(1, 64))], (), False, id="logistic regression"),
        pytest.param([*NET, constant("out")], (), False, id="a head that starts at 0"),
        pytest.param([NET[0], constant("a"), NET[1], constant("b")], (), False, id="adapters: A drawn, B 0"),
        pytest.param([*NET, constant("a"), constant("b")], (), False, id="a small part of the model"),
        pytest.param([replace(constant(n), trainable=False) for n in ("a", "b")], (), False, id="frozen"),
        pytest.param([constant(n, module="LayerNorm", shape=(64,)) for n in "ab"], (), False, id="gains of 1"),
        pytest.param(NET, FED, False, id="drawn at random"),
    ],
)
def test_weights_that_are_all_the_same(parameters, operations, fires):
    finding = constant_weights(looks(parameters, operations=operations), [])
    assert (finding and finding.rule) == ("init.constant" if fires else None)


def test_only_the_start_is_judged():
    assert constant_weights(looks([constant("fc1"), constant("fc2")], at=(3, 4, 8)), []) is None


def sized(*sizes):
    """A chain of layers with the root mean square of what each takes, and of what the last one makes."""
    ops = [Operation(kind="Addmm", layer=f"fc{i + 1}", operand=stats(64, size)) for i, size in enumerate(sizes[:-1])]
    ops[-1] = replace(ops[-1], output=stats(64, sizes[-1]))
    return chain(*ops, ("NllLoss", ""))


def drawn(std, layers=4):
    return [weight(f"fc{i + 1}", weight=stats(4096, std)) for i in range(layers)]


def saturating(share):
    return chain(("Addmm", "fc1"), Operation(kind="Sigmoid", layer="fc1", saturated=share), ("Addmm", "fc2"))


def squashing(share):
    return chain(("Addmm", "fc1"), Operation(kind="Tanh", layer="fc1", units=3, saturated=share), ("Mean", ""))


HEAD = weight("head", weight=stats(4096, 1.0))
CLASSIFIER = chain(("Addmm", "fc1"), Operation(kind="LogSoftmax", layer="fc1", shape=(32, 10)), ("NllLoss", ""))
TABLE = weight("tok", (10, 64), module="Embedding", weight=stats(640, 1.0))
TIED = chain(
    ("Addmm", "fc1"), ("Mm", "tok"), Operation(kind="LogSoftmax", layer="tok", shape=(32, 10)), ("NllLoss", "tok")
)
DEEP = (*sized(1, 8, 64, 512, 4096), *CLASSIFIER[1:])


@pytest.mark.parametrize(
    ("parameters", "operations", "loss", "fires"),
    [
        pytest.param(drawn(1.0), sized(1, 8, 64, 512, 4096), None, "large", id="deviation 1, activations grow"),
        pytest.param(drawn(1.0), sized(1, 1, 1, 1, 8), None, None, id="deviation 1, normalised"),
        pytest.param(drawn(1.0), saturating(0.9), None, "large", id="deviation 1, saturated"),
        pytest.param(drawn(1.0), saturating(0.2), None, None, id="deviation 1, not saturated"),
        pytest.param(drawn(1.0), CLASSIFIER, 30.0, "large", id="deviation 1, a loss of 13 times ln 10"),
        pytest.param(drawn(1.0), CLASSIFIER, 4.0, None, id="deviation 1, a usual loss"),
        pytest.param(drawn(1.0), CLASSIFIER, 6.0, "large", id="deviation 1, a loss of 2.6 times ln 10"),
        pytest.param(
            [replace(p, weight=stats(4096, 0.29, mean=0.5)) for p in drawn(1.0)],
            CLASSIFIER,
            30.0,
            "large",
            id="between 0 and 1, a loss of 13 times ln 10",
        ),
        pytest.param(drawn(0.6), CLASSIFIER, 6.0, None, id="deviation 0.6, a loss of 2.6 times ln 10"),
        pytest.param(drawn(0.1), sized(1, 10, 100, 1000, 10000), None, None, id="usual weights of large inputs"),
        pytest.param(drawn(0.2), DEEP, 60.0, "large", id="usual weights that add up, and a loss of 26 times ln 10"),
        pytest.param(drawn(0.2), DEEP, 30.0, None, id="usual weights that add up"),
        pytest.param(drawn(0.2), CLASSIFIER, 60.0, None, id="usual weights, large inputs"),
        pytest.param(
            [*drawn(0.1), HEAD], CLASSIFIER, 12.0, "large", id="a head of deviation 1, a loss of 5 times ln 10"
        ),
        pytest.param([*drawn(0.1), HEAD], CLASSIFIER, 6.0, None, id="a head of deviation 1, normalised inputs"),
        pytest.param([HEAD, *drawn(0.1)], CLASSIFIER, 12.0, None, id="a first layer of deviation 1"),
        pytest.param([TABLE, *drawn(0.1)], TIED, 60.0, "large", id="a table of deviation 1 that gives the scores too"),
        pytest.param([TABLE, *drawn(0.1)], TIED, 4.0, None, id="such a table, scaled down in the model"),
        pytest.param([TABLE, *drawn(0.1)], CLASSIFIER, 60.0, None, id="a table of deviation 1 with a head of its own"),
        pytest.param(drawn(1.0), squashing(0.98), None, "large", id="deviation 1, actions at their limits"),
        pytest.param(drawn(1.0), squashing(0.7), None, None, id="deviation 1, most actions inside"),
        pytest.param(drawn(0.1), squashing(0.98), None, None, id="usual weights, actions at their limits"),
        pytest.param(drawn(1e-3), sized(1, 8e-3, 6e-5, 5e-7, 4e-9), None, "small", id="deviation 0.001"),
        pytest.param(drawn(1e-3), sized(1, 1, 1, 1, 1), None, None, id="sine networks"),
        pytest.param(drawn(0.02), sized(1, 0.1, 0.01, 1e-3, 1e-4), None, None, id="usual small weights"),
        pytest.param(drawn(1.0, layers=1), sized(1, 512), None, None, id="a single layer"),
        pytest.param(drawn(1.0), (), None, None, id="nothing seen of activations"),
    ],
)
def test_the_scale_of_weights(parameters, operations, loss, fires):
    finding = scale_of_weights(looks(parameters, operations=operations, loss=loss), [])
    assert (finding and f"too {fires}" in finding.summary) == (True if fires else None)


@pytest.mark.parametrize(
    ("operations", "slope", "fires"),
    [
        pytest.param(
            sized(1, 8, 64, 512, 4096)[:-1], 2e4, True, id="activations grow, and gradients are far too large"
        ),
        pytest.param(sized(1, 8, 64, 512, 4096)[:-1], 50.0, False, id="activations grow"),
        pytest.param(sized(1, 1, 1, 1, 8)[:-1], 2e4, False, id="large targets"),
    ],
)
def test_usual_weights_that_explode_in_what_is_no_classifier(operations, slope, fires):
    weights = [weight(f"fc{i + 1}", relative=slope) for i in range(4)]
    finding = scale_of_weights(looks(weights, operations=operations, loss=2e6), [])
    assert (finding and finding.rule) == ("init.scale" if fires else None)


def deep(std, slope, layers=12):
    """Layers whose gradients get `slope` times as large from each one back to the one before."""
    return [
        weight(f"fc{i + 1}", weight=stats(4096, std), gradient=stats(4096, std * slope ** (layers - 1 - i)))
        for i in range(layers)
    ]


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        pytest.param(deep(0.35, 1.5), True, id="2.8 times 1/sqrt(fan-in), gradients grow backwards"),
        pytest.param(deep(0.35, 1.0), False, id="the same, normalised"),
        pytest.param(deep(0.35, 1 / 1.5), False, id="the same, gradients shrink backwards"),
        pytest.param(deep(0.18, 1.5), False, id="usual weights, gradients grow backwards"),
        pytest.param(deep(0.35, 2.5, layers=7), False, id="few layers"),
    ],
)
def test_weights_that_are_too_large_for_the_depth(parameters, fires):
    finding = scale_of_weights(looks(parameters), [])
    assert (finding and (finding.rule, finding.evidence["layer"], finding.evidence["layers"])) == (
        ("init.scale", "fc1", 12) if fires else None
    )


def test_the_scale_is_given_with_what_would_be_right():
    finding = scale_of_weights(looks(drawn(1.0), operations=sized(1, 8, 64, 512, 4096)), [])
    assert finding.evidence == {
        "step": 0,
        "layer": "fc1",
        "std": 1.0,
        "expected_std": 2**0.5 / 8,
        "grow_factor": 4096.0,
        "layers": 4,
    }
