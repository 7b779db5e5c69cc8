"""Parts of a model that are replaced by their first step, or frozen on the way."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.layers.halted import halted_layers
from otel_mldebug.rules.detectors.layers.overdone import replaced_part
from otel_mldebug.semconv.names import Severity
from tests.rules.detectors.layers.building import looks, uniform, weight

AT = (0, 1, 2, 4, 8, 16, 32, 64)


def part(ratio=4.0, rate=0.02, grown=3.0, at=AT, **other):
    """Return looks at two layers, of which the first has a rate of its own and is changed by so much in step 0."""
    mid = weight("mid", weight=uniform(), learning_rate=rate, **other)
    seen = []
    for look in looks([mid, weight("head", weight=uniform())], at):
        first, rest = look.parameters[0], look.parameters[1:]
        size = uniform() if look.step == 0 else replace(uniform(), norm=grown * uniform().norm)
        first = replace(first, update_ratio=ratio if look.step == 0 else 0.1, weight=size)
        seen.append(replace(look, parameters=(first, *rest)))
    return seen


def test_a_part_that_its_first_step_replaces_is_named_with_its_rate_and_that_of_others():
    finding = replaced_part(part(), [])

    assert (finding.rule, finding.severity) == ("learning_rate.too_high_in_group", Severity.WARNING)
    assert finding.evidence == {
        "step": 0,
        "layer": "mid",
        "update_ratio": 4.0,
        "learning_rate": 0.02,
        "lowest_learning_rate": 0.001,
    }
    assert finding.summary.startswith("Step 0 changes mid by 4 times what there is of them: ")


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(part(ratio=1.0), id="changed by as much as there is"),
        pytest.param(part(rate=0.003), id="three times the rate of others: the rate itself is too high"),
        pytest.param(part(grown=1.2), id="the weights have not grown"),
        pytest.param(part(at=(0, 1, 2, 4)), id="too early"),
        pytest.param(part(at=(32, 64, 128)), id="the start was not seen"),
        pytest.param(part(trainable=False), id="frozen"),
        pytest.param(looks([weight("a", weight=uniform(), update_ratio=4.0)], AT), id="all there is"),
        pytest.param(
            [replace(s, parameters=(replace(s.parameters[0], weight=None), s.parameters[1])) for s in part()],
            id="size of the weights unknown",
        ),
    ],
)
def test_parts_with_a_rate_of_their_own(seen):
    assert replaced_part(seen, []) is None


def frozen(since, layers=("a", "b"), of=("a", "b", "c"), at=AT, **other):
    """Return looks at some layers, of which some are frozen from a step on."""
    return [
        replace(
            look,
            parameters=tuple(
                replace(p, trainable=False, changed=False) if p.layer in layers and look.step >= since else p
                for p in look.parameters
            ),
        )
        for look in looks([weight(name, **other) for name in of], at)
    ]


def test_layers_that_are_frozen_on_the_way_are_noted_with_the_step_from_which_on():
    finding = halted_layers(frozen(since=20), [])

    assert (finding.rule, finding.severity) == ("parameter.frozen_midway", Severity.INFO)
    assert (finding.evidence["step"], finding.evidence["parameters"]) == (32, ("a.weight", "b.weight"))
    assert finding.summary == (
        "a, b were trained up to step 16 at least, and are frozen (requires_grad False) from step 32 on, although the "
        "optimizer holds them."
    )


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(frozen(since=0), id="frozen from the beginning"),
        pytest.param(frozen(since=99), id="never frozen"),
        pytest.param(frozen(since=20, layers=("a", "b", "c")), id="all of them: this phase has another optimizer"),
        pytest.param(frozen(since=20, layers=("a",), of=tuple("abcdefgh")), id="a small part"),
        pytest.param(frozen(since=20, optimized=False), id="not held by the optimizer"),
        pytest.param([*frozen(since=20), *frozen(since=999, at=(128,))], id="trained again"),
    ],
)
def test_other_layers_are_left_alone(seen):
    assert halted_layers(seen, []) is None
