"""Losses out of all others, which get a record of their own: how many, and from which size on."""

from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.rules.steps import StepRecord


def cell(*losses):
    made = Cell("SGD")
    for index, loss in enumerate(losses):
        made.keep(StepRecord(index=index, time_ns=index, duration_s=0.01, loss=loss))
    made.rearm()
    return made


def test_a_record_takes_thirty_times_the_usual_loss_and_an_alarm_three_times_the_largest():
    even, spiky = cell(*[1.0] * 50, 2.0), cell(*[1.0] * 50, 5000.0)

    assert (even.loss_alarm, even.loss_shock) == (6.0, 6.0)
    assert (spiky.loss_alarm, spiky.loss_shock) == (30.0, 15000.0)


def test_after_some_of_them_only_an_alarm_makes_a_record_so_that_they_crowd_out_nothing():
    made = cell(*[1.0] * 50, 5000.0)
    for _ in range(23):
        made.outlies()
    before = made.loss_alarm
    made.outlies()
    after = made.loss_alarm
    made.rearm()

    assert (before, after, made.loss_alarm) == (30.0, 15000.0, 15000.0)


def test_another_optimizer_begins_anew():
    made = cell(*[1.0] * 50, 5000.0)
    for _ in range(24):
        made.outlies()
    made.forget()

    assert (made.outlying, made.loss_alarm, made.loss_shock) == (0, float("inf"), float("inf"))
