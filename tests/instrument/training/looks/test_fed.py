"""What is kept of looks for the comparison of ranks."""

import math

import pytest

from otel_mldebug.instrument.training.looks.fed import FIRST, LATEST, Fed, samples
from otel_mldebug.rules.looks import Look, Operation, Part


def look(step, *parts, loss=1.0, **more):
    return Look(step=step, time_ns=step, loss=loss, parts=parts, **more)


def batch(*shape):
    return Part(place="batch[0]", role="input", shape=shape)


def test_samples_are_the_first_dimension_of_all_inputs():
    target = Part(place="batch[1]", role="target", shape=(7, 2))
    assert samples(look(0, batch(8, 3), batch(8, 5), target)) == 8


def test_inputs_that_differ_or_have_no_samples_say_nothing():
    assert [samples(look(0, *parts)) for parts in ([batch(8, 3), batch(9, 3)], [batch(8)], [])] == [0, 0, 0]


def test_the_first_looks_and_the_latest_are_kept():
    fed = Fed()
    for step in range(100):
        fed.note(look(step, batch(4, 2)))
    assert fed.told() == tuple((step, 4, 1.0) for step in (*range(FIRST), *range(100 - LATEST, 100)))


def test_looks_without_one_finite_loss_are_not_kept_and_a_fork_forgets():
    fed = Fed()
    for one in (look(0, loss=None), look(1, loss=math.nan), look(2, backward_calls=2)):
        fed.note(one)
    assert fed.told() == ()
    fed.note(look(3))
    assert fed.told() == ((3, 0, 1.0),)
    fed.restart()
    assert fed.told() == ()


def test_looks_of_further_optimizers_are_not_kept():
    fed = Fed()
    for step, name in enumerate(("Adam", "Adam#2", "Adam")):
        fed.note(look(step, optimizer=name))
    assert [step for step, _, _ in fed.told()] == [0, 2]


@pytest.mark.parametrize(
    ("last", "mean"),
    [
        pytest.param(Operation(kind="NllLoss", settings={"reduction": 1}), True, id="a mean loss"),
        pytest.param(Operation(kind="Mean"), True, id="a mean"),
        pytest.param(Operation(kind="NllLoss", settings={"reduction": 2}), False, id="a sum"),
        pytest.param(Operation(kind="Div"), False, id="divided"),
        pytest.param(Operation(kind="Mul"), False, id="multiplied"),
    ],
)
def test_a_mean_that_nothing_divides_is_known(last, mean):
    fed = Fed()
    fed.note(look(0, operations=(Operation(kind="Mean"), last)))
    assert fed.mean is mean
