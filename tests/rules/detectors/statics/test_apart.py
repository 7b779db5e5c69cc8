"""Inputs and targets out of two loaders that shuffle each on its own, and two loaders that are meant."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.statics.apart import targets_apart
from tests.rules.detectors.statics.build import LINEAR, NLL, batch, chain, looks, op, rule, target

X = batch(1, place="batch0")
Y = target(0, 9, place="batch1", dtype="int64", shape=(16,), digest=2)
CLASSES = chain(LINEAR, op("LogSoftmax", 16, 3), NLL)
MINE = replace(Y, place="NllLoss")


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(looks(*CLASSES, parts=(X, Y), apart=True), id="labels alone"),
        pytest.param(looks(*CLASSES, parts=(Y, X), apart=True), id="no matter which comes first"),
        pytest.param(
            looks(*CLASSES, parts=(replace(X, role=""), replace(Y, role=""), MINE), apart=True), id="copied to a GPU"
        ),
        pytest.param(
            looks(*chain(LINEAR, op("MseLoss")), parts=(X, target(0, 1, place="batch1")), apart=True), id="a regression"
        ),
    ],
)
def test_labels_that_are_shuffled_alone_are_found(seen):
    assert rule(targets_apart, seen) == "data.targets_apart"


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(looks(*CLASSES, parts=(X, Y)), id="in one order"),
        pytest.param(looks(*CLASSES, parts=(X, Y), apart=True, count=1), id="once"),
        pytest.param(
            looks(*CLASSES, parts=(replace(X, place="batch0[0]"), replace(Y, place="batch0[1]"),
                                   batch(3, place="batch1")), apart=True),
            id="labelled and unlabelled samples",
        ),
        pytest.param(
            looks(*CLASSES, parts=(replace(X, place="batch0[0]"), replace(Y, place="batch0[1]"),
                                   replace(Y, place="batch1", digest=5)), apart=True),
            id="targets of both",
        ),
        pytest.param(looks(*CLASSES, parts=(X, replace(Y, role="")), apart=True), id="nobody knows what for"),
        pytest.param(looks(*chain(LINEAR, op("CdistBackward")), parts=(X, Y), apart=True), id="a distance of samples"),
    ],
)  # fmt: skip
def test_two_loaders_that_are_meant_are_left_alone(seen):
    assert rule(targets_apart, seen) == ""
