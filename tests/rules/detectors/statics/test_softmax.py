"""A softmax over what are not alternatives, and those that are meant."""

from typing import Any

import pytest

from otel_mldebug.rules.detectors.statics.softmax import softmax_dimension
from otel_mldebug.rules.looks import Operation
from tests.rules.detectors.statics.build import LINEAR, NLL, UNIT, N, chain, look, op, rule

LOG_SOFTMAX = op("LogSoftmax", N, 3, settings={"dim": 1})
MSE = op("MseLoss", operands=((N, 1), (N, 1)))
LAST = (1 << 64) - 1
"""Dimension -1, as autograd shows it."""
MAP = (N, 3, 8, 6)
"""Scores of three classes at each place of an image."""


def picked(softmax: int, classes: int = 1, shape: tuple[int, ...] = MAP, **last: Any) -> tuple[Operation, ...]:
    """Return a focal loss by hand: it gathers the log-probability of the class at each place."""
    taken = tuple(1 if i == classes else size for i, size in enumerate(shape))
    return chain(
        op("Convolution", *shape),
        op("LogSoftmax", *shape, settings={"dim": softmax}),
        op("Gather", *taken, settings={"dim": classes}),
        op("Select", *shape[:1], *shape[2:], settings={"dim": classes, "index": 0}),
        op("Exp", *shape[:1], *shape[2:]),
        op("Rsub", *shape[:1], *shape[2:]),
        op("Mul", *shape[:1], *shape[2:], inputs=(5, 3)),
        op("Sum", settings=last),
        op("Div"),
    )


def over_map(dim: int, *between: Operation) -> tuple[Operation, ...]:
    """Return NLLLoss of an image after a softmax over `dim`."""
    last = op("NllLoss2D", operands=(MAP, (N, 8, 6)))
    return chain(op("Convolution", *MAP), op("LogSoftmax", *MAP, settings={"dim": dim}), *between, last)


SWAP = {"dim0": 1, "dim1": 2}


def tagged(dim: int, *after: Operation) -> tuple[Operation, ...]:
    """Return a loss of three tags at each of twelve places."""
    rest = after if after[-1].kind == "Mean" else (*after, op("NllLoss", operands=(after[-1].shape, (N * 12,))))
    return chain(op("Linear", N, 12, 3), op("LogSoftmax", N, 12, 3, settings={"dim": dim}), *rest)


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param(
            chain(UNIT, op("Softmax", N, 1, settings={"dim": LAST}), op("BinaryCrossEntropy")),
            id="one unit, before BCE",
        ),
        pytest.param(
            chain(UNIT, op("LogSoftmax", N, 1, settings={"dim": 1}), NLL), id="one unit, before cross entropy"
        ),
        pytest.param(chain(UNIT, op("Softmax", N, 1, settings={"dim": -1}), MSE), id="one unit, before a square"),
        pytest.param(chain(LINEAR, op("LogSoftmax", N, 3, settings={"dim": 0}), NLL), id="over the samples"),
        pytest.param(
            chain(LINEAR, op("Softmax", N, 3, settings={"dim": 0}), op("Add", N, 3), op("Log", N, 3), NLL),
            id="over the samples, logarithm later",
        ),
        pytest.param(
            chain(
                op("Bmm", N, 5, 5), op("Softmax", N, 5, 5, settings={"dim": 0}), op("Bmm", N, 5, 8), op("Addmm", N, 8)
            ),
            id="attention over the samples",
        ),
        pytest.param(picked(LAST), id="over the width, classes gathered"),
        pytest.param(picked(1, 2, (N, 5, 7)), id="over places, tokens gathered"),
        pytest.param(over_map(LAST), id="over the width, NLLLoss"),
        pytest.param(tagged(1, op("View", N * 12, 3)), id="over time, then one row for each place"),
        pytest.param(tagged(1, op("Transpose", N, 3, 12, settings=SWAP)), id="over time, then classes in front of it"),
    ],
)
def test_softmax_over_what_is_not_the_classes_is_found(operations):
    assert rule(softmax_dimension, [look(*operations)]) == "loss.softmax_dimension"


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param(chain(LINEAR, LOG_SOFTMAX, NLL), id="over the classes"),
        pytest.param(tagged(LAST, op("View", N * 12, 3)), id="over the tags, then one row for each place"),
        pytest.param(tagged(LAST, op("Transpose", N, 3, 12, settings=SWAP)), id="over the tags, which go to the front"),
        pytest.param(tagged(1, op("Permute", N * 12, 3)), id="moved, nobody knows where to"),
        pytest.param(tagged(1, op("View", N * 3, 12)), id="rows that hold something else"),
        pytest.param(tagged(1, op("View", N * 12, 3), op("Mean")), id="no loss that picks"),
        pytest.param(
            chain(LINEAR, op("Softmax", N, 4, 1, settings={"dim": LAST}), op("Bmm", N, 4, 8), LINEAR, LOG_SOFTMAX, NLL),
            id="attention to one place",
        ),
        pytest.param(chain(op("Mm", N, N), op("LogSoftmax", N, N, settings={"dim": 0}), NLL), id="contrastive, square"),
        pytest.param(
            chain(
                op("Addmm", N, 1), op("Softmax", N, 1, settings={"dim": 0}), op("Mul", N, 8), op("Sum", 8), LINEAR, NLL
            ),
            id="attention over instances",
        ),
        pytest.param(
            chain(
                op("Bmm", 5, N, 5),
                op("Softmax", 5, N, 5, settings={"dim": 0}),
                op("Permute", N, 5, 5),
                op("Bmm", N, 5, 8),
            ),
            id="attention with keys in front",
        ),
        pytest.param(
            chain(LINEAR, op("Softmax", 4, N, 3, settings={"dim": 0}), op("Mul", 4, N, 3), op("Sum", N, 3), LINEAR),
            id="a mixture of experts in front",
        ),
        pytest.param(chain(LINEAR, op("LogSoftmax", N, 3), NLL), id="dimension not known"),
        pytest.param(picked(1), id="over the classes, gathered"),
        pytest.param(picked(LAST, dim=1), id="the latest place gathered, then summed up over choices"),
        pytest.param(
            chain(
                op("Linear", N, 5, 7),
                op("LogSoftmax", N, 5, 7, settings={"dim": LAST}),
                op("Gather", N, 1, 7, settings={"dim": 1}),
                op("Squeeze", N, 7),
                op("Gather", N, 1, settings={"dim": LAST}),
                op("Mean"),
            ),
            id="the latest place gathered, then a choice",
        ),
        pytest.param(
            chain(
                op("Bmm", N, 5, 7),
                op("Softmax", N, 5, 7, settings={"dim": LAST}),
                op("Gather", N, 1, 7, settings={"dim": 1}),
                op("Bmm", N, 1, 8),
                LINEAR,
                LOG_SOFTMAX,
                NLL,
            ),
            id="one row of attention",
        ),
        pytest.param(over_map(1), id="over the classes, NLLLoss"),
        pytest.param(over_map(LAST, op("Permute", N, 6, 3, 8)), id="moved in between"),
        pytest.param(chain(LINEAR, op("LogSoftmax", settings={"dim": 1}), NLL), id="shape not known"),
        pytest.param(chain(LINEAR, op("LogSoftmax", N, 3, settings={"dim": 7}), NLL), id="dimension makes no sense"),
    ],
)
def test_softmax_over_classes_or_places_is_left_alone(operations):
    assert rule(softmax_dimension, [look(*operations)]) == ""
