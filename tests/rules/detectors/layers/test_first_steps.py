"""First steps that blow weights up, units that they saturate for good, and updates that are rounded away."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.layers.precision import rounded_updates
from otel_mldebug.rules.detectors.layers.saturated import saturated_units
from otel_mldebug.rules.detectors.layers.updates import rate_too_high
from otel_mldebug.rules.looks import Operation
from tests.rules.detectors.curves.curve import course
from tests.rules.detectors.layers.building import FALLING, FLAT, NET, chain, looks, stats, steps, weight

AT = (0, 1, 2, 4, 8, 16, 32, 64, 128)
THROWN = [1.6, 7.4, 4.0, *(1.3 + 0.05 * (i % 5) for i in range(157))]
"""The first steps have thrown the loss up, and it has come back to where knowing nothing is."""


def grown(*factors):
    """Return looks at weights that are so many times as large as at the start."""
    found = []
    for step, factor in zip(AT, factors, strict=True):
        size = stats(4096, 0.05 * factor)
        found += looks([replace(p, weight=size, update_ratio=0.3) for p in NET], at=(step,))
    return found


BLOWN = grown(1, 2, 3, 4, 5, 5, 5, 5, 5)


@pytest.mark.parametrize(
    ("seen", "losses", "fires"),
    [
        pytest.param(BLOWN, THROWN, True, id="weights and loss blown up, nothing learned"),
        pytest.param(grown(1, 1, 1, 1.1, 1.1, 1.2, 1.3, 1.4, 2), THROWN, False, id="a rough start"),
        pytest.param(BLOWN, [1.6, *(1.5 + 0.01 * (i % 5) for i in range(159))], False, id="never thrown up"),
        pytest.param(BLOWN, [*THROWN[:40], *(1.3 * 0.97**i for i in range(120))], False, id="learns after all"),
        pytest.param(grown(1, 5, 9, 11, 12, 13, 14, 15, 16), [1.6, 2.2, *THROWN[2:]], True, id="nothing left of them"),
        pytest.param(BLOWN, [1.6, 2.2, 2.0, *THROWN[3:]], False, id="thrown up a little"),
        pytest.param(grown(1, 1, 1, 1.2, 1.3, 1.5, 1.6, 1.8, 2), THROWN, True, id="somewhat larger, where it started"),
        pytest.param(
            grown(1, 1, 1, 1.2, 1.3, 1.5, 1.6, 1.8, 2),
            [*THROWN[:40], *(1.2 + 0.01 * (i % 5) for i in range(120))],
            False,
            id="somewhat larger, a good part learned",
        ),
        pytest.param(BLOWN, THROWN[:100], False, id="too few steps"),
        pytest.param(BLOWN[5:], THROWN, False, id="start not seen"),
        pytest.param(BLOWN, [loss - 2 for loss in THROWN], False, id="a loss without a floor"),
    ],
)
def test_first_steps_that_blow_weights_up(seen, losses, fires):
    finding = rate_too_high(seen, steps(losses))
    assert (finding and finding.rule) == ("learning_rate.too_high" if fires else None)
    assert finding is None or finding.summary.startswith("The first steps have made the weights")


SIGNS = chain(
    ("Addmm", "fc1"), Operation(kind="Tanh", layer="fc1", shape=(64, 32), units=32, saturated=0.99), ("Addmm", "out")
)
RESTING = steps([7.0, 3.5, 2.7, 2.2, 1.8, 1.6, 1.5, 1.45, 1.42, 1.41, *([1.4] * 190)])
LONG = (0, 1, 4, 16, 64, 128, 199)


@pytest.mark.parametrize(
    ("shares", "records", "fires"),
    [
        pytest.param([0.1, 0.5, 0.99, 0.99, 0.99, 0.99, 0.99], RESTING, True, id="signs from the start, loss at rest"),
        pytest.param([0.1, 0.2, 0.3, 0.4, 0.6, 0.99, 0.99], RESTING, False, id="signs that were learned"),
        pytest.param([0.95] * 7, RESTING, False, id="not all of them"),
        pytest.param([0.99] * 7, steps([7 * 0.99**i for i in range(200)]), False, id="loss still falls"),
        pytest.param([0.99] * 7, FALLING, False, id="too few steps"),
    ],
)
def test_layers_that_pass_on_signs_only(shares, records, fires):
    seen = [
        replace(look, operations=chain(SIGNS[0], replace(SIGNS[1], saturated=share), SIGNS[2]))
        for look, share in zip(looks(NET, LONG), shares, strict=True)
    ]
    finding = saturated_units(seen, records)
    assert (finding and finding.rule) == ("activation.saturated" if fires else None)


def half(unmoved, **other):
    return [weight(name, dtype="bfloat16", unmoved=unmoved, **other) for name in ("fc1", "fc2", "out")]


@pytest.mark.parametrize(
    ("parameters", "records", "fires"),
    [
        pytest.param(half(0.94), FLAT, True, id="most elements stay, loss stuck"),
        pytest.param(half(0.94), FALLING, False, id="the rest is enough"),
        pytest.param(half(0.5), FLAT, False, id="half of them stay"),
        pytest.param(half(None), FLAT, False, id="not measured: 32 bits"),
        pytest.param(half(0.94), FLAT[:50], False, id="too few steps"),
        pytest.param(half(0.94), [], False, id="loss unknown"),
    ],
)
def test_updates_that_are_rounded_away(parameters, records, fires):
    finding = rounded_updates(looks(parameters), records)
    assert (finding and (finding.rule, finding.evidence)) == (
        (
            "precision.updates_lost",
            {"step": 0, "layer": "fc1", "unmoved_share": 0.94, "learning_rate": 1e-3},
        )
        if fires
        else None
    )


SETTLED = course([0.74 * 0.98 ** min(i, 50) for i in range(400)])
"""A loss that falls by two thirds at first, and no more."""


def slowly(unmoved=0.9, norm=1.02, rate=1e-3, at=(0, 1, 2, 4, 8, 16, 64, 200, 399)):
    """Return looks at weights of bfloat16 of which few elements move in a step; `norm` is how they have grown."""
    seen = looks(half(0.9), at)
    grown = [replace(p, weight=stats(4096, 0.05 * norm), unmoved=unmoved, learning_rate=rate) for p in half(0.9)]
    return [*seen[:-LATE], *(replace(look, parameters=tuple(grown)) for look in seen[-LATE:])]


LATE = 3


@pytest.mark.parametrize(
    ("seen", "records", "fires"),
    [
        pytest.param(slowly(), SETTLED, True, id="weights are what they were, the loss has stopped"),
        pytest.param(slowly(norm=1.3), SETTLED, False, id="few elements at a time, but they have grown"),
        pytest.param(slowly(unmoved=0.5), SETTLED, False, id="half of them move in the end"),
        pytest.param(slowly(rate=1e-4), SETTLED, False, id="the learning rate was lowered"),
        pytest.param(slowly(at=(0, 1, 2, 4, 8, 16, 64, 100, 200)), SETTLED, False, id="not for long"),
        pytest.param(slowly(), course([0.74 * 0.997**i for i in range(400)]), False, id="the loss still falls"),
        pytest.param(slowly(), course([0.74 * 0.9 ** min(i, 50) for i in range(400)]), False, id="all is learned"),
        pytest.param([replace(look, parameters=slowly()[-1].parameters) for look in slowly(unmoved=None)], SETTLED,
                     True, id="from the first look on"),
    ],
)  # fmt: skip
def test_updates_that_are_rounded_away_after_the_output_has_been_put_right(seen, records, fires):
    finding = rounded_updates(seen, records)
    assert (finding and (finding.rule, finding.evidence["unmoved_share"])) == (
        ("precision.updates_lost", 0.9) if fires else None
    )
