"""Losses that end up far above that of a guess, and those that grow slowly over all of the run."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.explosion import loss_explosion
from otel_mldebug.rules.detectors.worse import worse_than_guessing
from tests.rules.detectors.curves.curve import course, falling
from tests.rules.detectors.statics.build import LINEAR, NLL, UNIT, N, chain, looks, op, stats, target

CLASSES = chain(LINEAR, op("LogSoftmax", N, 3), NLL)
VALUES = chain(UNIT, op("MseLoss", operands=((N, 1), (N, 1))))
LARGE = replace(target(-90, 90), stats=stats(-90, 90, 0.0, 40.0, size=N, norm=160.0))
HIGH = [1.1, 1.0, 1.2, 1.1, 1.4, 3.0, *(90 + 40 * (i % 3) for i in range(110))]


def shared(run: Course) -> Course:
    run.shared = True
    return run


@pytest.mark.parametrize(
    ("seen", "run", "fires"),
    [
        pytest.param(looks(*CLASSES), course(HIGH), True, id="a classifier that is thrown off"),
        pytest.param(looks(*VALUES, parts=(target(-2, 2),)), course(HIGH), True, id="a regression"),
        pytest.param(looks(*VALUES, parts=(LARGE,)), course(HIGH), False, id="large targets"),
        pytest.param(looks(*VALUES), course(HIGH), False, id="targets not known"),
        pytest.param(looks(*chain(*CLASSES, op("Mul"))), course(HIGH), False, id="a weighted loss"),
        pytest.param(looks(*CLASSES), course([60.0, *HIGH]), True, id="one bad batch first"),
        pytest.param(looks(*CLASSES), course([90.0] * 116), False, id="weights that were drawn too large"),
        pytest.param(looks(*CLASSES), course([*HIGH[:60], *falling(60)]), False, id="comes back"),
        pytest.param(looks(*CLASSES), course([1.1] * 100 + [90.0, 1.1] * 24), False, id="spikes"),
        pytest.param(looks(*CLASSES), course(HIGH[:90]), False, id="too few steps"),
        pytest.param(looks(*CLASSES), course(falling(120)), False, id="learns"),
        pytest.param(looks(*CLASSES), course([1.1, *([2.5] * 120)]), False, id="somewhat worse"),
        pytest.param(looks(*CLASSES), shared(course(HIGH)), False, id="a game of several optimizers"),
        pytest.param(looks(), course(HIGH), False, id="nothing seen of the loss"),
    ],
)  # fmt: skip
def test_a_loss_far_above_that_of_a_guess(seen, run, fires):
    finding = worse_than_guessing(seen, run)
    assert (finding and (finding.rule, finding.evidence["step"] in (0, 5, 6))) == (
        ("loss.explosion", True) if fires else None
    )


def growing(last: float, norm: float, n: int = 800, first: float = 0.02) -> Course:
    """Return a loss and a norm that grow exponentially."""
    return course(
        [first * (last / first) ** (i / n) * (1 + 0.3 * (i % 4)) for i in range(n)],
        [0.3 * (norm / 0.3) ** (i / n) for i in range(n)],
    )


@pytest.mark.parametrize(
    ("run", "fires"),
    [
        pytest.param(growing(1e5, 1e4), True, id="values that feed on themselves"),
        pytest.param(growing(1e5, 30.0), False, id="a term that is turned up"),
        pytest.param(growing(100.0, 1e4, first=1e-3), False, id="rewards that come late"),
        pytest.param(growing(50.0, 1e3), False, id="returns that get larger"),
        pytest.param(shared(growing(1e5, 1e4)), False, id="a game of several optimizers"),
        pytest.param(course([0.02, *([1e4 + i % 7 for i in range(800)])], [0.3, *([5e3] * 800)]), False, id="one jump"),
    ],
)
def test_a_loss_that_grows_slowly_over_all_of_the_run(run, fires):
    finding = loss_explosion(run)
    assert (finding and finding.rule) == ("loss.explosion" if fires else None)


def test_looks_that_were_cut_short_tell_nothing_of_the_loss():
    seen = [replace(look, complete=False) for look in looks(*CLASSES)]
    assert worse_than_guessing(seen, course(HIGH)) is None
