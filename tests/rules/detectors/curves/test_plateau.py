"""Losses that stay at chance: for how long that has to be, while training goes on and when it is over."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.curves.plateau import plateau_at_chance, plateau_to_the_end
from otel_mldebug.rules.looks import Look, Operation, Parameter, Part, Stats
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


def pairs(ratios, *, guess=0.25, place="batch[1]", at=range(0, 600, 60), drift=0.0, swell=1.0, **other):
    """Return looks into a regression whose loss is so many times what the mean of the targets gives.

    Their mean drifts by so much, and their variance swells, from one to the next.
    """
    mse = (Operation(kind="MseLoss", settings={"reduction": 1, **other}),)

    def one(number: int, step: int, ratio: float) -> Look:
        cost = guess and guess * swell**number
        stats = Stats(size=32, norm=2.8, mean=drift * number, std=0.5, low=-1, high=1)
        part = Part(place=place, role="target", shape=(32, 1), dtype="float32", guess=cost, stats=stats)
        return Look(step=step, time_ns=0, loss=ratio * (cost or 1.0), operations=mse, parts=(look().parts[0], part))

    return [one(number, *at_step) for number, at_step in enumerate(zip(at, ratios, strict=True))]


AT_MEAN = [3.0, 1.4, 1.02, 1.01, 1.03, 1.0, 0.99, 1.02, 1.01, 1.02]
STILL = course([0.75 * 0.98 ** min(i, 54) for i in range(600)])


@pytest.mark.parametrize(
    ("seen", "window", "severity"),
    [
        pytest.param(pairs(AT_MEAN), STILL, Severity.WARNING, id="the mean, from step 120 on"),
        pytest.param(pairs([3.0, 1.4, *[1.15] * 8]), STILL, Severity.WARNING, id="a network that cannot give it all"),
        pytest.param(pairs([*[2.0] * 7, 1.0, 1.0, 1.0]), STILL, None, id="only just there"),
        pytest.param(pairs([*AT_MEAN[:-1], 0.9]), STILL, None, id="it begins to learn"),
        pytest.param(pairs([3.0, 0.9, *AT_MEAN[2:]]), STILL, None, id="it has been lower"),
        pytest.param(pairs([3.0] * 10), STILL, None, id="not even the mean"),
        pytest.param(pairs(AT_MEAN), course(falling(600)), None, id="the loss falls"),
        pytest.param(pairs(AT_MEAN, place="MseLoss"), STILL, Severity.WARNING, id="rows of a table, without a loader"),
        pytest.param(pairs(AT_MEAN, place="MseLoss", drift=0.1), STILL, None, id="targets of a critic, which drift"),
        pytest.param(pairs(AT_MEAN, place="MseLoss", swell=1.2), STILL, None, id="targets of a critic, which grow"),
        pytest.param(pairs(AT_MEAN, reduction=2), STILL, None, id="a sum"),
        pytest.param(pairs(AT_MEAN, guess=None), STILL, None, id="not measured"),
        pytest.param(pairs(AT_MEAN, guess=0.0), STILL, None, id="targets that are all the same"),
    ],
)
def test_a_regression_that_learns_the_mean_only(seen, window, severity):
    finding = plateau_to_the_end(seen, window)
    assert (finding and (finding.rule, finding.severity)) == (("loss.plateau", severity) if severity else None)


def test_what_the_mean_gives_is_told():
    finding = plateau_to_the_end(pairs(AT_MEAN), STILL)
    assert finding.summary.endswith("no better than always giving the mean of the targets (0.25) in 480 steps.")
    assert finding.evidence["chance"] == 0.25


def scores(ratios, *, guess=3.0, kind="NllLoss", classes=40, operands=((512, 40), (512,), ()), ignore=-100):
    """Return looks into a classifier whose loss is so many times what the shares of the classes give."""
    kinds = (
        Operation(kind="LogSoftmax", shape=(512, classes)),
        Operation(kind=kind, inputs=(0,), operands=operands, settings={"reduction": 1, "ignore_index": ignore}),
    )
    part = Part(place=kind, role="target", shape=(512,), dtype="int64", guess=guess)
    tokens = Part(place="Embedding", role="input", shape=(8, 64), dtype="int64")
    return [
        Look(step=step, time_ns=0, loss=ratio * (guess or 1.0), operations=kinds, parts=(tokens, part))
        for step, ratio in zip(range(0, 600, 60), ratios, strict=True)
    ]


AT_SHARES = [1.2, 1.02, 0.99, 1.01, 1.0, 0.95, 0.99, 1.02, 1.01, 1.0]
LEVEL = course([3.0 * (1 + 0.2 * 0.9**i) for i in range(600)])


@pytest.mark.parametrize(
    ("seen", "severity"),
    [
        pytest.param(scores(AT_SHARES), Severity.WARNING, id="how often each class comes"),
        pytest.param(scores(AT_SHARES, kind="BinaryCrossEntropyWithLogits", operands=((64, 5), (64, 5))),
                     Severity.WARNING, id="several labels"),
        pytest.param(scores([*AT_SHARES[:-1], 0.9]), None, id="it begins to learn"),
        pytest.param(scores([1.2, 0.9, *AT_SHARES[2:]]), None, id="it has been lower"),
        pytest.param(scores([1.2, *[0.95] * 9]), None, id="a little has been learned"),
        pytest.param(scores(AT_SHARES, guess=None), None, id="too few samples for so many classes"),
        pytest.param(scores(AT_SHARES, ignore=0), None, id="padding is left out"),
        pytest.param(scores(AT_SHARES, operands=((512, 40), (512,), (), (40,))), None, id="classes are weighed"),
        pytest.param(scores(AT_SHARES, kind="KlDiv"), None, id="another loss"),
    ],
)  # fmt: skip
def test_a_classifier_that_learns_the_shares_of_classes_only(seen, severity):
    finding = plateau_to_the_end(seen, LEVEL)
    assert (finding and (finding.rule, finding.severity)) == (("loss.plateau", severity) if severity else None)


@pytest.mark.parametrize(("guess", "severity"), [(3.0, Severity.WARNING), (3.68, None)])
def test_tokens_may_be_made_up_unless_some_come_oftener(guess, severity):
    seen = scores([1.2, *[0.99] * 9], guess=guess)
    finding = plateau_to_the_end(seen[:5], course([guess * (1 + 0.2 * 0.8**i) for i in range(300)]))
    assert (finding and finding.severity) == (severity or Severity.INFO)


def well(**other):
    alive = Parameter(
        name="fc.weight",
        layer="fc",
        shape=(10, 64),
        gradient=Stats(size=640, norm=1.0, mean=0.0, std=0.04, low=-1, high=1),
    )
    return replace(look(), parameters=(replace(alive, **other),))


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        pytest.param(well(), "Labels that do not belong to their inputs", id="all is well but the data"),
        pytest.param(well(gradient=None), "What reaches the output", id="no gradient"),
        pytest.param(well(update_ratio=1e-3), "Labels that do not belong to their inputs", id="it moves"),
        pytest.param(well(update_ratio=1e-6), "The updates so far add up to 0.00022 of the", id="it hardly moves"),
        pytest.param(replace(well(), operations=(Operation(kind="Relu", dead=0.95), *OPERATIONS)),
                     "What reaches the output", id="dead units"),
        pytest.param(replace(well(), parts=look(std=0.0).parts), "What reaches the output", id="constant inputs"),
    ],
)  # fmt: skip
def test_pairs_are_blamed_where_nothing_else_is_wrong(seen, says):
    operations = tuple(
        replace(o, inputs=(len(seen.operations) - 2,)) if o.kind == "NllLoss" else o for o in seen.operations
    )
    finding = plateau_to_the_end([replace(seen, operations=operations)], chance(220))
    assert finding.cause.startswith(says)


@pytest.mark.parametrize(
    ("ratio", "norms", "optimizer", "clipped"),
    [
        pytest.param(5e-4, [0.0025] * 220, "SGD", 0.0025, id="a tiny norm in every step"),
        pytest.param(0.01, [0.0025] * 220, "SGD", None, id="steps that change the weights all the same"),
        pytest.param(5e-4, [0.0025] * 220, "Adam", None, id="Adam, to which the norm is all the same"),
        pytest.param(5e-4, [0.0025, 0.0031] * 110, "SGD", None, id="norms of their own"),
    ],
)
def test_clipping_is_blamed_where_it_keeps_the_weights_in_place(ratio, norms, optimizer, clipped):
    window = course([2.3] * 220, norms, optimizer=optimizer)
    finding = plateau_to_the_end([well(update_ratio=ratio)], window)
    assert finding.evidence.get("clipped_to") == clipped
    assert finding.cause.startswith("Gradients are clipped far too strongly") == (clipped is not None)
    assert ("gradients are clipped to 0.0025 in each" in finding.summary) == (clipped is not None)


@pytest.mark.parametrize(
    ("batch", "steps", "going_on", "over"),
    [
        pytest.param(4, 220, None, None, id="hardly anything was seen"),
        pytest.param(4, 1500, None, Severity.WARNING, id="small batches take their time"),
        pytest.param(4, 5000, Severity.INFO, Severity.WARNING, id="but not for ever"),
        pytest.param(4, 9000, Severity.WARNING, Severity.WARNING, id="so long"),
        pytest.param(64, 600, Severity.WARNING, Severity.WARNING, id="usual batches"),
    ],
)
def test_small_batches_are_given_more_steps(batch, steps, going_on, over):
    operations = (replace(OPERATIONS[0], shape=(batch, 10)), OPERATIONS[1])
    seen, window = replace(look(), operations=operations), chance(steps)
    for detect, severity in ((plateau_at_chance, going_on), (plateau_to_the_end, over)):
        finding = detect([seen], window)
        assert (finding and finding.severity) == severity
