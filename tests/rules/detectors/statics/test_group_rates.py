"""A learning rate that is far too high in one parameter group only."""

import pytest

from otel_mldebug.rules.detectors.statics.settings import learning_rate
from otel_mldebug.rules.looks import Operation
from tests.rules.detectors.statics.build import look, looks, stats, weight

BODY = weight("body", 64, 64, module="Linear", weight=stats(), update_ratio=1e-3)


def head(rate=3.0, ratio=40.0, shape=(5, 64), **more):
    return weight(
        "head",
        *shape,
        **{"module": "Linear", "learning_rate": rate, "update_ratio": ratio, "weight": stats(), **more},
    )


@pytest.mark.parametrize(
    "high",
    [
        pytest.param(head(), id="linear"),
        pytest.param(head(shape=(8, 4, 3, 3), module="Conv2d"), id="convolution"),
        pytest.param(head(rate=0.5, ratio=1.0), id="at the edge"),
    ],
)
def test_a_group_whose_weights_are_replaced_by_a_step_is_told(high):
    found = learning_rate(looks(parameters=(BODY, high), optimizer_kind="Adam", optimizer="Adam"), [])
    assert found is not None
    assert (found.rule, found.severity, found.evidence) == (
        "optimizer.learning_rate",
        "error",
        {"step": 0, "layer": "head", "learning_rate": high.learning_rate},
    )
    assert "The learning rate of Adam for head is" in found.summary


@pytest.mark.parametrize(
    ("high", "kind"),
    [
        pytest.param(head(rate=0.1), "Adam", id="a lower rate"),
        pytest.param(head(), "SGD", id="SGD: gradients may be small"),
        pytest.param(head(ratio=0.3), "Adam", id="weights that are as large"),
        pytest.param(head(ratio=None), "Adam", id="not measured"),
        pytest.param(head(shape=(5,)), "Adam", id="a bias"),
        pytest.param(head(module="Cosine"), "Adam", id="a layer of the program's own: it may normalise its weights"),
        pytest.param(head(module="Embedding"), "Adam", id="codes that are searched for"),
        pytest.param(head(weight=stats(zero=0.9)), "Adam", id="weights that start at 0"),
        pytest.param(head(trainable=False), "Adam", id="frozen"),
        pytest.param(head(optimized=False), "Adam", id="not the optimizer's"),
        pytest.param(head(layer=""), "Adam", id="no layer's"),
    ],
)
def test_other_groups_are_not(high, kind):
    assert learning_rate(looks(parameters=(BODY, high), optimizer_kind=kind, optimizer=kind), []) is None


def tokens(rate=0.5, ratio=1.0, shape=(64, 24, 32), kind="Embedding", at=(0, 1, 2, 4), **more):
    table = weight(
        "tokens",
        500,
        32,
        **{"module": "Embedding", "learning_rate": rate, "update_ratio": ratio, "weight": stats(), **more},
    )
    ops = (Operation(kind=kind, layer="tokens", shape=shape),)
    return [look(*ops, step=step, parameters=(BODY, table), optimizer_kind="Adam") for step in at]


LATE = (0, 8, 16, 32, 48, 72)


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(tokens(), id="vectors of tokens that a step replaces"),
        pytest.param(tokens(kind="EmbeddingBag", shape=(64, 32)), id="a bag of them"),
        pytest.param(tokens(rate=0.1, ratio=0.6, at=LATE), id="vectors that are held down, at a lower rate"),
        pytest.param(tokens(rate=0.1, ratio=0.6, at=LATE, module="Linear"), id="weights that are held down"),
    ],
)
def test_vectors_of_tokens_with_a_rate_far_above_the_others_are_told(window):
    found = learning_rate(window, [])
    assert found is not None
    assert (found.rule, found.evidence["layer"]) == ("optimizer.learning_rate", "tokens")


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(tokens(shape=(64, 32)), id="a code for each sample"),
        pytest.param(tokens(ratio=0.3), id="vectors that are as large"),
        pytest.param(tokens(rate=0.02, ratio=0.6, at=LATE), id="twenty times the rate"),
        pytest.param(tokens(rate=0.1, ratio=0.6), id="the first steps only"),
        pytest.param(tokens(rate=0.1, ratio=0.2, at=LATE), id="they grow with their updates"),
        pytest.param(tokens(rate=0.1, ratio=0.6, at=LATE, module="Cosine", shape=()), id="a module of one's own"),
    ],
)
def test_other_vectors_are_not(window):
    assert learning_rate(window, []) is None


def begun(*losses, ratio=7.0, rate=0.1, module="Conv2d"):
    high = head(rate=rate, ratio=ratio, shape=(4, 20, 3, 3), module=module)
    return [
        look(step=step, parameters=(BODY, high), optimizer_kind="Adam", loss=loss) for step, loss in enumerate(losses)
    ]


def test_a_group_whose_first_step_threw_the_loss_up_is_told_also_if_that_came_back():
    found = learning_rate(begun(0.02, 255.0, 11.0, 0.1), [])
    assert found is not None
    assert (found.rule, found.evidence["layer"]) == ("optimizer.learning_rate", "head")


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(begun(0.7, 0.6, 0.5, 0.4), id="weights that start next to 0, and the loss falls"),
        pytest.param(begun(0.7, 1.4, 0.9, 0.6), id="a loss that swings"),
        pytest.param(begun(0.02, 255.0, ratio=2.0), id="it was not that layer"),
        pytest.param(begun(0.02, 255.0, rate=0.02), id="twenty times the rate"),
        pytest.param(begun(0.02, 255.0, module="Cosine"), id="a module of one's own"),
        pytest.param(begun(None, 255.0), id="no first loss"),
        pytest.param(begun(0.0, 255.0), id="a first loss of 0"),
    ],
)
def test_quick_beginnings_without_harm_are_not(window):
    assert learning_rate(window, []) is None
