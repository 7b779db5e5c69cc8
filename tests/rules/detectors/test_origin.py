"""What is said about the origin of non-finite values, for each kind and place."""

import math

import pytest

from otel_mldebug.rules.detectors.culprits import CULPRITS, OTHER, culprit
from otel_mldebug.rules.detectors.origin import Kind, Origin, explain_gradient, explain_loss
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

CALM = [StepRecord(index=i, time_ns=i, duration_s=0.1, loss=1.0, gradient_norm=0.5) for i in range(20)]
DIVERGING = [
    StepRecord(index=i, time_ns=i, duration_s=0.1, loss=10.0 ** max(0, i - 14), gradient_norm=0.5) for i in range(20)
]


def origin(kind: Kind, **more: object) -> Origin:
    return Origin(step=20, value=math.nan, kind=kind, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(origin(Kind.WEIGHT, layer="fc.bias", num_bad=1, num_all=6), "the weight fc.bias was", id="weight"),
        pytest.param(
            origin(Kind.WEIGHT, num_bad=6, num_all=6, update=True), "6 of 6 parameters was not finite", id="update"
        ),
        pytest.param(origin(Kind.INPUT, layer="batch[0]"), "batch[0] already held", id="batch"),
        pytest.param(origin(Kind.INPUT), "the input already held", id="input of unknown name"),
        pytest.param(
            origin(Kind.FORWARD, operation="Log", after="a", before="b", layer="a"), "Log between a and b", id="between"
        ),
        pytest.param(origin(Kind.FORWARD, operation="Log", layer="a"), "Log in a made", id="in a layer"),
        pytest.param(origin(Kind.FORWARD, operation="Log", after="a", layer="a"), "Log after a", id="after the last"),
        pytest.param(
            origin(Kind.FORWARD, operation="Log", before="b", layer="b"), "Log before b", id="before the first"
        ),
        pytest.param(origin(Kind.FORWARD, operation="Log"), "without parameters nearby", id="nowhere near a layer"),
        pytest.param(
            origin(Kind.FORWARD, operation="CompiledFunction"), "of the compiled graph", id="in a compiled graph"
        ),
        pytest.param(
            origin(Kind.BACKWARD, after="a", before="b", num_bad=2, num_all=4), "pass between a and b", id="backward"
        ),
        pytest.param(origin(Kind.UNKNOWN), "could not be told", id="unknown"),
    ],
)
def test_each_kind_has_its_words(found, words):
    finding = explain_loss(found, CALM)

    assert finding.summary.startswith("The loss is NaN at step 20: ")
    assert words in finding.summary
    assert (finding.rule, finding.category, finding.severity) == ("loss.nonfinite", Category.LOSS, Severity.CRITICAL)
    assert len(finding.solutions) >= 2
    assert finding.cause
    assert finding.prevention
    assert finding.evidence["kind"] == found.kind.value
    assert finding.evidence["losses_before"] == (1.0,) * 5


def test_gradients_have_a_rule_of_their_own():
    finding = explain_gradient(origin(Kind.BACKWARD, after="a", num_bad=4, num_all=4), CALM)

    assert (finding.rule, finding.category) == ("gradient.nonfinite", Category.GRADIENT)
    assert finding.summary.startswith("The gradient norm is NaN at step 20: the loss is finite, but")


@pytest.mark.parametrize("kind", [Kind.FORWARD, Kind.BACKWARD, Kind.UNKNOWN])
def test_divergence_comes_first_when_loss_or_norm_had_grown(kind):
    calm, diverging = (explain_loss(origin(kind, operation="Log"), window) for window in (CALM, DIVERGING))

    assert "grown" not in calm.cause
    assert "growth_before" not in calm.evidence
    assert "grown 100,000 times" in diverging.cause
    assert diverging.evidence["growth_before"] == 100000.0


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(origin(Kind.FORWARD, operation="MseLoss", after="out"), id="forward"),
        pytest.param(origin(Kind.FORWARD, operation="Exp", place="loss_of (train.py:3)"), id="a line of the program"),
        pytest.param(origin(Kind.BACKWARD), id="backward"),
        pytest.param(origin(Kind.UNKNOWN), id="unknown"),
        pytest.param(origin(Kind.WEIGHT, update=True, num_bad=1, num_all=1), id="an update"),
    ],
)
def test_a_loss_that_was_on_its_way_up_puts_the_learning_rate_first(found):
    finding = explain_loss(found, DIVERGING)

    assert finding.summary.endswith("; the loss had been growing since step 15.")
    assert finding.cause.startswith(
        "Training diverged: from step 15 on the loss grew about 10 times a step for 5 steps, from 1 to 1e+05, until "
    )
    assert finding.solutions[0].startswith("Lower the learning rate")
    assert len(set(finding.solutions)) == len(finding.solutions)
    assert finding.evidence["growing_since_step"] == 15
    assert finding.evidence["growth_per_step"] == 10.0


def rising(*values: float) -> list[StepRecord]:
    return [StepRecord(index=i, time_ns=i, duration_s=0.1, loss=loss) for i, loss in enumerate(values)]


@pytest.mark.parametrize(
    ("found", "window"),
    [
        pytest.param(origin(Kind.INPUT), DIVERGING, id="bad data"),
        pytest.param(origin(Kind.WEIGHT), DIVERGING, id="something else wrote it"),
        pytest.param(origin(Kind.FORWARD, operation="Log"), CALM, id="calm"),
        pytest.param(origin(Kind.FORWARD, operation="Log"), rising(1.0, 1.0, 1.0, 1000.0), id="one spike"),
        pytest.param(origin(Kind.FORWARD, operation="Log"), rising(1, 2, 3, 4, 5, 6), id="by and by"),
        pytest.param(origin(Kind.FORWARD, operation="Log"), rising(1, 9, 2, 9, 3, 9, 2, 30), id="noise"),
        pytest.param(origin(Kind.FORWARD, operation="Log"), rising(-1, 2, 9, 40, 300), id="a loss below 0"),
        pytest.param(origin(Kind.FORWARD, operation="Log"), [], id="nothing before"),
    ],
)
def test_other_losses_were_not_on_their_way_up(found, window):
    finding = explain_loss(found, window)

    assert "growing_since_step" not in finding.evidence
    assert "growing" not in finding.summary


def test_every_operation_of_the_table_has_advice_of_its_own():
    for entry in CULPRITS:
        for operation in entry.operations:
            assert culprit(f"{operation}Backward0") in CULPRITS, operation
        assert entry.solution.endswith(".")
        assert entry.cause.endswith(".")


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("Log", "logarithm of zero"),
        ("LogSoftmax", "masked out"),
        ("Logsumexp", "minus infinite"),
        ("Log1p", "logarithm"),
        ("torch::autograd::Div", "denominator"),
        ("NativeLayerNorm", "variance"),
    ],
)
def test_the_longest_name_wins(operation, words):
    assert words in culprit(operation).cause


def test_an_operation_that_nobody_knows_gets_general_advice():
    assert culprit("Frobnicate") is OTHER
