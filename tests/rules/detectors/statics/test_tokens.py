"""Tokens that are all the same, and parts of a model that are left in evaluation mode."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.statics.inputs import constant_input
from otel_mldebug.rules.detectors.statics.modes import eval_mode
from otel_mldebug.rules.looks import Layer, Operation, Stats
from tests.rules.detectors.statics.build import NLL, N, chain, dropout, looks, op, root, rule, stats, weight


def tokens(low: int, high: int, *shape: int) -> Operation:
    """Return an embedding of tokens between these."""
    middle = (low + high) / 2
    size = 1
    for length in shape:
        size *= length
    taken = Stats(size=size, norm=1.0, mean=middle, std=float(high - low), low=low, high=high)
    return Operation(kind="Embedding", layer="tok", shape=(*shape, 32), operands=(shape,), operand=taken)


def classifier(*embeddings: Operation) -> tuple[Operation, ...]:
    """Return a classifier of what these embeddings add up to."""
    places = tuple(range(len(embeddings)))
    mixed = (Operation(kind="Add", inputs=places), op("Addmm", N, 3), op("LogSoftmax", N, 3), NLL)
    found = chain(*embeddings, *mixed)
    return tuple(e if i in places else o for i, (e, o) in enumerate(zip((*embeddings, *mixed), found, strict=True)))


@pytest.mark.parametrize(
    ("operations", "fires"),
    [
        pytest.param(classifier(tokens(1, 1, N, 8)), True, id="one token"),
        pytest.param(classifier(tokens(1, 1, N, 8), tokens(0, 7, 1, 8)), True, id="one token at each position"),
        pytest.param(classifier(tokens(1, 1, N, 8), tokens(0, 7, N, 8)), True, id="positions for each sample"),
        pytest.param(
            classifier(tokens(1, 1, N, 8), op("Addmm", N, 32, operand=stats(low=0.0, high=0.0))),
            True,
            id="a first state",
        ),
        pytest.param(classifier(tokens(1, 40, N, 8), tokens(0, 0, N, 8)), False, id="segments of one kind"),
        pytest.param(classifier(tokens(0, 7, 1, 8)), False, id="positions alone"),
        pytest.param(classifier(tokens(1, 1, 1, 8)), False, id="one sample"),
        pytest.param(classifier(tokens(1, 1, N)), False, id="one state"),
        pytest.param(classifier(tokens(1, 1, N, 8), op("Addmm", N, 32, operand=stats())), False, id="features besides"),
        pytest.param((*classifier(tokens(1, 1, N, 8)), op("Mul", 1)), False, id="a loss of another kind"),
    ],
)
def test_tokens_that_are_all_the_same(operations, fires):
    assert rule(constant_input, looks(*operations)) == ("data.constant_input" if fires else "")


def test_tokens_of_a_long_sequence_whose_middle_is_left_out():
    cut = [replace(look, complete=False) for look in looks(*classifier(tokens(1, 1, N, 8), op("Sigmoid", N, 32)))]
    assert rule(constant_input, cut) == "data.constant_input"


NORM = Layer(name="net.bn", kind="BatchNorm2d", training=False, settings={"track_running_stats": True})
ASLEEP = dropout(training=False, name="net.drop")


@pytest.mark.parametrize(
    ("layers", "parameters", "fires"),
    [
        pytest.param((root(), NORM, ASLEEP), [weight("net", 64, 64)], True, id="all that matters sleeps"),
        pytest.param((root(), NORM), [weight("net", 64, 64)], False, id="normalisation alone, as in fine-tuning"),
        pytest.param((root(), NORM, dropout()), [weight("net", 64, 64)], False, id="dropout is awake"),
        pytest.param((root(), root(kind="Teacher"), ASLEEP), [weight("net", 64, 64)], False, id="another model's"),
        pytest.param(
            (root(), NORM, ASLEEP),
            [weight("net", 64, 64), weight("body", 32, 64, trainable=False)],
            False,
            id="a frozen body",
        ),
    ],
)
def test_a_part_that_is_left_in_evaluation_mode(layers, parameters, fires):
    seen = looks(layers=layers, parameters=tuple(parameters))
    assert rule(eval_mode, seen) == ("training.eval_mode" if fires else "")
