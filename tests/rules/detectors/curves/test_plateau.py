"""Losses that stay at chance: for how long that has to be, while training goes on and when it is over."""

import pytest

from otel_mldebug.rules.detectors.curves.plateau import plateau_at_chance, plateau_to_the_end
from otel_mldebug.rules.looks import Look, Operation, Part, Stats
from otel_mldebug.semconv.names import Severity
from tests.rules.detectors.curves.curve import course, falling

OPERATIONS = (Operation(kind="LogSoftmax", shape=(64, 10)), Operation(kind="NllLoss", inputs=(0,)))


def look(dtype="float32", features=(0.0, 0.4), shape=(64, 64), role="input", **other):
    given = {"size": 4096, "norm": 1.0, "mean": 0.3, "std": 0.38, "low": 0.0, "high": 1.0, **other}
    part = Part(place="batch[0]", role=role, shape=shape, dtype=dtype, stats=Stats(**given), features=features)
    return Look(step=0, time_ns=0, operations=OPERATIONS, parts=(part,))


def noise(**other):
    return look(**{"mean": 0.01, "std": 1.01, "low": -3.4, "high": 3.3, "features": (0.9, 1.1), **other})


def chance(n, level=2.3):
    return course([level + 0.01 * ((i * 7) % 5 - 2) for i in range(n)])


@pytest.mark.parametrize(
    ("seen", "window", "severity"),
    [
        pytest.param(look(), chance(220), Severity.WARNING, id="200 steps"),
        pytest.param(look(features=(1.0, 1.0), mean=0.1, std=1.0, low=-0.4, high=2.8), chance(220), Severity.WARNING,
                     id="standardised digits"),
        pytest.param(look(features=(0.1, 1.5), mean=0.0, std=1.0, low=-4.0, high=5.0), chance(220), Severity.WARNING,
                     id="columns of different spread"),
        pytest.param(look(), chance(190), None, id="190 steps"),
        pytest.param(look(), course(falling(220)), None, id="the loss falls"),
        pytest.param(look(), chance(220, 2.2), None, id="below chance"),
        pytest.param(look(), course([2.0] * 50 + [2.303] * 170), None, id="it was lower before"),
        pytest.param(noise(), chance(220), None, id="numbers of randn"),
        pytest.param(noise(), chance(300), Severity.INFO, id="numbers of randn, 300 steps"),
        pytest.param(noise(features=()), chance(220), None, id="images of randn"),
        pytest.param(look(mean=0.5, std=0.289, features=(0.28, 0.3)), chance(220), None, id="numbers of rand"),
        pytest.param(look(dtype="int64", low=0, high=999), chance(220), None, id="tokens"),
        pytest.param(look(role="target"), chance(220), None, id="input not known"),
    ],
)  # fmt: skip
def test_a_run_that_is_over_at_chance(seen, window, severity):
    finding = plateau_to_the_end([seen], window)
    assert (finding and (finding.rule, finding.severity)) == (("loss.plateau", severity) if severity else None)


@pytest.mark.parametrize(
    ("steps", "severity"),
    [
        pytest.param(220, None, id="too early"),
        pytest.param(300, Severity.INFO, id="worth a note"),
        pytest.param(600, Severity.WARNING, id="long"),
    ],
)
def test_a_run_that_goes_on_is_given_more_time(steps, severity):
    finding = plateau_at_chance([look()], chance(steps))
    assert (finding and finding.severity) == severity
