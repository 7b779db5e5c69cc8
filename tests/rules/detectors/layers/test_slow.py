"""Updates that are damped by epsilon, or too few for their size; and steps that replace the weights at once."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.layers.slow import damped_updates, hardly_moved
from otel_mldebug.rules.detectors.layers.updates import rate_too_high
from otel_mldebug.rules.looks import Operation
from tests.rules.detectors.layers.building import looks, stats, steps, uniform, weight

LONG = (0, 1, 2, 4, 8, 16, 32, 64, 128, 200)
NLL = (Operation(kind="LogSoftmax"), Operation(kind="NllLoss0", inputs=(0,)))


def level(left=1.0, n=201):
    """Return a loss that goes evenly from 2.3 to a part of it."""
    return steps([2.3 * (1 - (1 - left) * i / n) for i in range(n)])


def held(epsilon=1.0, ratio=1e-5, layers=3, **other):
    given = {"epsilon": epsilon, "update_ratio": ratio, "weight": uniform(), "gradient": stats(4096, 3e-3), **other}
    return [weight(f"fc{i}", **given) for i in range(layers)]


@pytest.mark.parametrize(
    ("parameters", "kind", "records", "fires"),
    [
        pytest.param(held(), "Adam", level(0.99), True, id="300 times the gradients"),
        pytest.param(held(), "RMSprop", level(0.95), True, id="RMSprop"),
        pytest.param(held(), "Adam", level(0.5), False, id="and the loss falls: the rate is as much higher"),
        pytest.param(held(1e-8), "Adam", level(), False, id="the default"),
        pytest.param(held(0.1), "Adam", level(), False, id="thirty times"),
        pytest.param(held(gradient=stats(4096, 1.0)), "Adam", level(), False, id="gradients as large"),
        pytest.param(held(gradient=None), "Adam", level(), False, id="no gradients"),
        pytest.param(held(), "LBFGS", level(), False, id="another optimizer"),
        pytest.param(held(), "Adam", level(n=40), False, id="too early"),
        pytest.param(held(), "Adam", steps([-1.0] * 201), False, id="losses below 0"),
        pytest.param(held(), "Adam", [], False, id="loss unknown"),
    ],
)
def test_an_epsilon_that_outweighs_the_gradients(parameters, kind, records, fires):
    finding = damped_updates(looks(parameters, LONG, optimizer_kind=kind), records)
    assert (finding and (finding.rule, finding.evidence["step"])) == (("optimizer.epsilon", 0) if fires else None)


@pytest.mark.parametrize(
    ("parameters", "at", "records", "fires"),
    [
        pytest.param(held(ratio=1e-5), LONG, level(0.99), True, id="two thousandths in all"),
        pytest.param(held(ratio=1e-5), LONG, level(0.9), False, id="and the loss falls by a tenth"),
        pytest.param(held(ratio=1e-4), LONG, level(), False, id="two hundredths in all"),
        pytest.param(held(ratio=1e-5, weight=stats()), LONG, level(), False, id="fine-tuning: weights of before"),
        pytest.param(held(ratio=1e-5), (50, 100, 150, 200), level(), False, id="the start was not seen"),
        pytest.param(held(ratio=1e-5), LONG, level(n=100), False, id="a short trial"),
        pytest.param(held(ratio=0.0), LONG, level(), False, id="no updates at all: another rule"),
        pytest.param(held(ratio=None), LONG, level(), False, id="not measured"),
        pytest.param([*held(ratio=1e-5), *held(ratio=1e-3)[:1]], LONG, level(), False, id="one layer at work"),
        pytest.param(held(ratio=1e-5), LONG, steps([-1.0] * 201), False, id="losses below 0"),
        pytest.param(held(ratio=1e-5), LONG, [], False, id="loss unknown"),
    ],
)
def test_a_run_whose_updates_add_up_to_nothing(parameters, at, records, fires):
    finding = hardly_moved(looks(parameters, at), records)
    assert (finding and (finding.rule, finding.evidence["step"])) == (("learning_rate.too_low", 0) if fires else None)


def test_a_run_that_ends_in_its_warm_up_is_not_too_slow_for_its_rate():
    warming = [
        replace(look, parameters=tuple(replace(p, learning_rate=1e-6 * (1 + look.step)) for p in look.parameters))
        for look in looks(held(ratio=1e-5), LONG)
    ]
    assert hardly_moved(warming, level()) is None


def swept(ratio=1.0, grown=4.0, operations=NLL, layers=3):
    """Return looks at weights that the first step replaces, and the next ones make larger."""
    made = []
    for look in looks(drawn := held(ratio=ratio, layers=layers), LONG, operations=operations):
        size = 1.0 if look.step < 5 else grown
        seen = [replace(p, weight=stats(4096, 0.05 * size), update_ratio=ratio / (1 + look.step)) for p in drawn]
        made.append(replace(look, parameters=tuple(seen)))
    return made


def flat(first=2.3, up=2.6, rest=2.3, n=201):
    return steps([first, up, up, *[rest + 0.02 * (i % 3) for i in range(n - 3)]])


@pytest.mark.parametrize(
    ("seen", "records", "fires"),
    [
        pytest.param(swept(), flat(), True, id="weights replaced, loss where it was"),
        pytest.param(swept(), flat(rest=2.0), True, id="loss at the frequencies of the classes"),
        pytest.param(swept(), flat(rest=1.7), False, id="something was learned"),
        pytest.param(swept(grown=6.0), flat(up=40.0, rest=1.0), True, id="thrown far up, and some of it learned"),
        pytest.param(swept(grown=6.0), flat(up=40.0, rest=0.5), False, id="thrown far up, and most of it learned"),
        pytest.param(swept(grown=6.0), flat(up=10.0, rest=1.0), False, id="thrown up, and some of it learned"),
        pytest.param(swept(grown=4.0), flat(up=40.0, rest=1.0), False, id="thrown far up by weights less large"),
        pytest.param(swept(), flat(up=2.3), False, id="the loss never rose"),
        pytest.param(swept(), flat(n=110), False, id="too early"),
        pytest.param(swept(0.4), flat(), False, id="a first step of less than half"),
        pytest.param(swept(grown=2.0), flat(), False, id="weights hardly larger"),
        pytest.param(swept(layers=1), flat(), False, id="one layer: logistic regression"),
        pytest.param(swept(operations=(Operation(kind="Mean"),)), flat(), False, id="a policy gradient"),
        pytest.param(swept(operations=()), flat(), False, id="graph not seen"),
        pytest.param(swept(), steps([-2.3] * 201), False, id="losses below 0"),
    ],
)
def test_first_steps_that_replace_the_weights(seen, records, fires):
    finding = rate_too_high(seen, records)
    assert (finding and (finding.rule, finding.evidence["step"])) == (("learning_rate.too_high", 0) if fires else None)


RESTARTED = steps([2.3 * 0.97**i for i in range(200)] + [2.3] * 101)


@pytest.mark.parametrize(
    ("seen", "records", "fires"),
    [
        pytest.param(swept(0.3, 1.8, layers=4), flat(up=2.3, n=301), True, id="stuck since"),
        pytest.param(swept(0.3, 1.8, layers=3), flat(up=2.3, n=301), False, id="few layers"),
        pytest.param(swept(0.3, 1.3, layers=4), flat(up=2.3, n=301), False, id="weights hardly larger"),
        pytest.param(swept(0.3, 1.8, layers=4), flat(up=2.3, n=201), False, id="too early"),
        pytest.param(swept(0.3, 1.8, layers=4), flat(up=2.3, rest=1.7, n=301), False, id="something was learned"),
        pytest.param(swept(0.3, 1.8, layers=4), RESTARTED, False, id="a warm restart: it was low before"),
        pytest.param(swept(0.3, 1.8, (), layers=4), flat(up=2.3, n=301), False, id="graph not seen"),
        pytest.param(
            swept(0.3, 1.8, (Operation(kind="Mean"),), layers=4), flat(up=2.3, n=301), False, id="a policy gradient"
        ),
    ],
)
def test_first_steps_that_make_the_weights_of_a_deep_network_larger(seen, records, fires):
    finding = rate_too_high(seen, records)
    assert (finding and finding.rule) == ("learning_rate.too_high" if fires else None)
    assert finding is None or finding.summary.startswith("The first steps have made the weights 1.8 times as large, ")
