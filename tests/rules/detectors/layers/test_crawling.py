"""Layers that stand still in an optimizer that moves others."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.layers.crawling import crawling_layers
from tests.rules.detectors.layers.building import FALLING, FLAT, looks, stats, uniform, weight

HEAD = weight("head", (10, 64), update_ratio=2e-3, learning_rate=1e-3, weight=uniform((10, 64)))


def still(layer="blocks.0", ratio=2e-8, rate=1e-8, **other):
    return weight(layer, **{"update_ratio": ratio, "learning_rate": rate, "weight": uniform(), **other})


def table(std=1.0, mean=0.0, **other):
    given = {"module": "Embedding", "weight": stats(4096, std, mean=mean), **other}
    return still("embed", 1e-9, **given)


@pytest.mark.parametrize(
    ("slow", "records", "severity"),
    [
        pytest.param([still()], FLAT, "warning", id="fresh weights, and the loss does not fall"),
        pytest.param([table(), still()], FLAT, "warning", id="an embedding as well"),
        pytest.param([still(ratio=0.0)], FLAT, "warning", id="rounded away as a whole"),
        pytest.param([still()], FALLING, "info", id="the loss falls all the same"),
        pytest.param([still(weight=stats())], FLAT, "info", id="weights of before: held back on purpose, maybe"),
        pytest.param([still(dtype="float64")], FLAT, "warning", id="of 64 bits"),
        pytest.param([still(ratio=4e-6)], FLAT, "warning", id="fresh weights that a thousand steps do not move"),
    ],
)
def test_layers_that_stand_still_at_a_tiny_rate_are_told(slow, records, severity):
    finding = crawling_layers(looks([*slow, HEAD]), records)
    assert finding is not None
    assert (finding.rule, finding.severity, finding.evidence["layer"], finding.evidence["step"]) == (
        "learning_rate.too_low_in_group",
        severity,
        slow[0].layer,
        0,
    )


@pytest.mark.parametrize(
    "slow",
    [
        pytest.param(still(ratio=4e-6, weight=stats()), id="weights of before that move a little"),
        pytest.param(still(ratio=1e-5, rate=1e-6), id="fine-tuning: a rate of 1e-6"),
        pytest.param(still(ratio=1e-5), id="a tiny rate that moves the weights: they are tiny, too"),
        pytest.param(still(rate=1e-3), id="the same rate: gradients vanish, which is told elsewhere"),
        pytest.param(still(rate=5e-6), id="layer-wise decay of 0.65 over 12 blocks"),
        pytest.param(still(rate=0.0, ratio=0.0), id="a rate of 0: frozen on purpose"),
        pytest.param(still(trainable=False), id="frozen"),
        pytest.param(still(optimized=False), id="not the optimizer's"),
        pytest.param(still(contested=True), id="another optimizer trains it"),
        pytest.param(still(gradient=stats(4096, 0.0)), id="gradients of 0: told elsewhere"),
        pytest.param(still(gradient=None, ratio=None), id="no gradients: told elsewhere"),
        pytest.param(still(ratio=None), id="not measured"),
        pytest.param(still(dtype="bfloat16"), id="16 bits: told elsewhere"),
        pytest.param(still(shape=(64,), weight=stats(64)), id="a bias"),
        pytest.param(table(), id="an embedding alone: its vectors came from elsewhere, maybe"),
    ],
)
def test_what_is_slow_for_another_reason_or_on_purpose_is_not(slow):
    assert crawling_layers(looks([slow, HEAD]), FLAT) is None


def test_where_all_layers_stand_still_another_rule_tells():
    assert crawling_layers(looks([still(), still("head")]), FLAT) is None


def test_a_warm_up_of_one_group_is_none():
    warming = [
        replace(look, parameters=(replace(look.parameters[0], learning_rate=1e-10 * (1 + look.step)), HEAD))
        for look in looks([still(), HEAD])
    ]
    assert crawling_layers(warming, FLAT) is None


def test_a_warm_up_of_all_groups_together_does_not_excuse_one():
    def warming(looks_, after):
        factor = [min(1.0, (1 + look.step) / after) for look in looks_]
        return [
            replace(look, parameters=tuple(replace(p, learning_rate=f * p.learning_rate) for p in look.parameters))
            for look, f in zip(looks_, factor, strict=True)
        ]

    seen = looks([still(), HEAD])
    assert crawling_layers(warming(seen, 2 + seen[0].step), FLAT) is not None
    assert crawling_layers(warming(seen, 2 * seen[-1].step), FLAT) is None, "it is still going on"


def test_a_layer_that_moved_once_is_none():
    found = looks([still(), HEAD])
    found[3] = replace(found[3], parameters=(replace(still(), update_ratio=1e-3), HEAD))
    assert crawling_layers(found, FLAT) is None


@pytest.mark.parametrize("at", [(0, 1, 2, 4, 8, 16, 32), (50, 100, 150, 200), (0, 64)], ids=["early", "late", "few"])
def test_looks_that_are_too_few_or_not_of_the_start_say_nothing(at):
    assert crawling_layers(looks([still(), HEAD], at), FLAT) is None
