"""Whether updates reach far enough to throw the loss about."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.detectors.curves.overshoot import reach
from tests.rules.detectors.curves.curve import course


@given(st.floats(0.01, 100), st.floats(1e-4, 1.9))
def test_stable_steps_on_a_parabola_reach_for_less_than_four_times_the_loss(curvature, product):
    """The rate is `product / curvature`: descent is stable below 2."""
    place, losses, norms = 3.0, [], []
    for _ in range(20):
        losses.append(curvature * place**2 / 2)
        norms.append(abs(curvature * place))
        place *= 1 - product
    run = course(losses, norms, rates=product / curvature, optimizer="SGD")

    assert not reach(run, share=4.0, rate=1.0, most=True)
    assert reach(run, share=1.9 * product, rate=1.0)


@pytest.mark.parametrize(
    ("norms", "most", "reaches"),
    [
        pytest.param([10.0] * 20, False, True, id="all steps"),
        pytest.param([0.1] * 19 + [10.0], False, False, id="one step is not usual"),
        pytest.param([0.1] * 19 + [10.0], True, True, id="and one is enough"),
        pytest.param([None] * 19 + [10.0], False, True, id="known of one only"),
        pytest.param([None] * 20, True, False, id="unknown"),
        pytest.param([math.nan] * 20, True, False, id="not a number"),
        pytest.param([math.inf] * 20, False, True, id="infinite"),
        pytest.param([0.0] * 20, True, False, id="no gradient"),
    ],
)
def test_descent_is_judged_by_gradients(norms, most, reaches):
    assert reach(course([1.0] * 20, norms, optimizer="SGD#2"), share=1.0, rate=1e-9, most=most) == reaches


@pytest.mark.parametrize("loss", [0.0, -1.0, math.nan, math.inf, None])
def test_losses_that_say_nothing(loss):
    assert not reach(course([loss] * 9, [10.0] * 9, optimizer="SGD"), share=1.0, rate=1e-9)


@pytest.mark.parametrize(("rate", "reaches"), [(0.1, True), (0.05, True), (0.01, False)])
def test_other_optimizers_are_judged_by_their_rate(rate, reaches):
    run = course([1.0] * 9, [1e-9] * 9, rates=[*[1e-6] * 8, rate], optimizer="Lion")

    assert reach(run, share=1.0, rate=0.05) == reaches
