"""Parameters that never change: told apart, and those that are meant to stay."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.layers.changes import fates
from otel_mldebug.rules.detectors.layers.holding import (
    cut_graph,
    forgotten_parameters,
    frozen_parameters,
    frozen_to_the_end,
    replaced_parameters,
)
from otel_mldebug.rules.detectors.layers.unchanged import (
    cleared_gradients,
    decayed_only,
    lost_updates,
    zero_gradients,
    zero_rate,
)
from otel_mldebug.rules.looks import Operation
from otel_mldebug.semconv.names import Severity
from tests.rules.detectors.layers.building import AT, FALLING, FLAT, NET, chain, looks, stats, steps, uniform, weight

NONE = {"reached": False, "gradient": None, "update_ratio": None, "changed": False}
MISSING = {"optimized": False, "changed": False, "update_ratio": None, "learning_rate": None}
NEW = {"weight": uniform()}
ZERO = {"gradient": stats(4096, 0.0), "changed": False, "update_ratio": 0.0}


@pytest.mark.parametrize(
    ("parameters", "severity"),
    [
        pytest.param([*NET, weight("head", **MISSING, **NEW)], Severity.WARNING, id="a head as it was drawn"),
        pytest.param([NET[0], weight("mid", **MISSING, **NEW), NET[1]], Severity.WARNING, id="one in the middle"),
        pytest.param([NET[0], weight("mid", **MISSING), NET[1]], Severity.INFO, id="a trained one between adapters"),
        pytest.param([weight("body", **MISSING), *NET], Severity.INFO, id="a trained body"),
        pytest.param([*NET, weight("vgg", **MISSING)], Severity.INFO, id="a perceptual network"),
        pytest.param([weight("body", **MISSING, **NEW, trainable=False), *NET], None, id="frozen"),
        pytest.param([*NET, weight("target", **{**MISSING, **NONE})], None, id="a target network"),
        pytest.param([*NET, weight("game", optimized=False)], None, id="another optimizer will come to it"),
        pytest.param(
            [*NET, weight("table", module="Embedding", **MISSING)], None, id="a table, of which few rows are used"
        ),
        pytest.param(NET, None, id="all held"),
    ],
)
def test_parameters_that_no_optimizer_holds(parameters, severity):
    finding = forgotten_parameters(looks(parameters), [])
    assert (finding and finding.severity) == severity


def test_forgotten_parameters_are_named():
    finding = forgotten_parameters(looks([*NET, weight("head", **MISSING, **NEW)]), [])
    told = {key: finding.evidence[key] for key in ("step", "layer", "parameters", "unchanged", "looked_at")}
    assert told == {"step": 0, "layer": "head", "parameters": ("head.weight",), "unchanged": 1, "looked_at": 7}


OLD = weight("", name="#7", module="", **NONE)


MODEL = chain(("Addmm", "fc"), ("NllLoss", "fc"))


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        pytest.param([NET[0], weight("head", **MISSING), OLD], True, id="a head replaced after the optimizer was made"),
        pytest.param([weight("fc", **MISSING), OLD], True, id="another model altogether"),
        pytest.param([weight("fc", **MISSING), weight("copy", **NONE)], True, id="a copy of the model"),
        pytest.param([weight("body", **MISSING), NET[0], weight("aux", **NONE)], False, id="an unused head, body kept"),
        pytest.param([NET[0], weight("", name="#7", module="")], False, id="a parameter of its own that is used"),
        pytest.param([NET[0], OLD], False, id="one in vain, but none forgotten"),
        pytest.param([OLD, replace(OLD, name="#8")], True, id="a model of which nothing is held"),
        pytest.param([replace(OLD, reached=None)], False, id="a graph that was not seen"),
    ],
)
def test_parameters_that_were_replaced(parameters, fires):
    finding = replaced_parameters(looks(parameters, operations=MODEL), [])
    assert (finding and finding.rule) == ("parameter.replaced" if fires else None)


@pytest.mark.parametrize(
    ("parameters", "severity"),
    [
        pytest.param([weight("enc", **NONE, **NEW), *NET], Severity.WARNING, id="an encoder that is detached"),
        pytest.param([weight("body", **NONE), *NET], Severity.INFO, id="a trained body without gradients"),
        pytest.param([*NET, weight("aux", **NONE, **NEW)], Severity.INFO, id="a head that is not used"),
        pytest.param([weight("enc", **{**NONE, "changed": True}), *NET], None, id="another optimizer trains it"),
        pytest.param([weight("enc", **NONE, optimized=False), *NET], None, id="nobody means to train it"),
        pytest.param([weight("enc", **NONE, trainable=False), *NET], None, id="frozen"),
        pytest.param(NET, None, id="all reached"),
    ],
)
def test_layers_that_the_loss_does_not_depend_on(parameters, severity):
    finding = cut_graph(looks(parameters), [])
    assert (finding and finding.severity) == severity


def test_a_loss_of_plain_numbers_depends_on_nothing():
    lost = [replace(p, **NONE) for p in NET]
    finding = cut_graph(looks(lost, operations=chain(("Mean", ""))), [])
    assert (finding.severity, finding.evidence["unchanged"]) == (Severity.ERROR, 6)
    assert replaced_parameters(looks(lost, operations=chain(("Mean", ""))), []) is None


def test_gradients_that_are_cleared_before_the_step():
    seen = looks([replace(p, gradient=None, changed=False) for p in NET])
    assert cleared_gradients(seen, []).rule == "gradient.cleared"
    assert cleared_gradients(looks([replace(p, gradient=None) for p in NET]), []) is None  # a closure makes them
    assert cleared_gradients(looks([replace(p, **NONE) for p in NET]), []) is None


@pytest.mark.parametrize(
    ("parameters", "severity"),
    [
        pytest.param([replace(p, **ZERO) for p in NET], Severity.ERROR, id="all"),
        pytest.param([*[replace(p, **ZERO) for p in NET[:2]], *NET[2:]], Severity.WARNING, id="the first layers"),
        pytest.param([*NET[:4], *[replace(p, **ZERO) for p in NET[4:]]], None, id="a head of weight 0"),
        pytest.param([replace(p, **{**ZERO, "changed": True}) for p in NET], None, id="momentum goes on"),
        pytest.param(NET, None, id="none"),
    ],
)
def test_gradients_that_are_exactly_zero(parameters, severity):
    finding = zero_gradients(looks(parameters), [])
    assert (finding and finding.severity) == severity


DECAYED = {**ZERO, "changed": True, "decay": 1e-4, "update_ratio": 1e-6}


@pytest.mark.parametrize(
    ("seen", "fires"),
    [
        pytest.param(looks([replace(p, **DECAYED) for p in NET]), True, id="nothing but decay"),
        pytest.param(looks([replace(p, **{**DECAYED, "decay": 0.0}) for p in NET]), False, id="something else"),
        pytest.param(looks([*[replace(p, **DECAYED) for p in NET[1:]], NET[0]]), False, id="one layer has gradients"),
        pytest.param(looks([replace(p, **{**DECAYED, "gradient": None}) for p in NET]), False, id="none at all"),
        pytest.param(looks([replace(p, **DECAYED) for p in NET], at=(500, 550, 600)), False, id="solved since long"),
        pytest.param(looks([replace(p, **DECAYED) for p in NET], at=(0, 1, 2)), False, id="too early"),
        pytest.param(
            [*looks(NET)[:4], *looks([replace(p, **DECAYED) for p in NET])[4:]], False, id="at first there was"
        ),
    ],
)
def test_weights_that_only_decay_changes(seen, fires):
    finding = decayed_only(seen, [])
    assert (finding and finding.rule) == ("gradient.zero" if fires else None)


@pytest.mark.parametrize(("records", "fires"), [(FLAT, True), (FALLING, False), ([], False)])
def test_a_first_layer_without_a_gradient_counts_where_the_loss_does_not_fall(records, fires):
    finding = zero_gradients(looks([replace(NET[0], **ZERO), *NET[1:]]), records)
    assert (finding and finding.rule) == ("gradient.zero" if fires else None)
    assert zero_gradients(looks([*NET[:-1], replace(NET[-1], **ZERO)]), records) is None


@pytest.mark.parametrize(("high", "fires"), [(0.0, False), (1.0, True)])
def test_a_first_layer_that_is_fed_zeros_is_another_trouble(high, fires):
    fed = chain(Operation(kind="Addmm", layer="fc1", operand=stats(std=high)))
    finding = zero_gradients(looks([replace(NET[0], **ZERO), *NET[1:]], operations=fed), FLAT)
    assert (finding is not None) == fires


def test_a_problem_that_gets_solved_has_no_gradient_any_more():
    solved = [replace(p, **ZERO) for p in NET]
    assert zero_gradients([*looks(NET)[:4], *looks(solved)[4:]], []) is None
    assert zero_gradients(looks(solved, at=(500, 550, 600, 650)), []) is None


def test_what_changed_in_looks_that_are_no_longer_kept_has_changed():
    begun = looks([replace(p, weight=uniform()) for p in NET], at=(0,))
    rest = looks([replace(p, changed=False, update_ratio=1e-9) for p in NET], at=(500, 550, 600, 650))[1:]
    assert lost_updates([*begun, *rest], []) is None
    assert {f.changed for f in fates([*begun, *rest])} == {True}


IDLE = {"learning_rate": 0.0, "changed": False, "update_ratio": 0.0}
STILL = [replace(p, **IDLE) for p in NET]


@pytest.mark.parametrize(
    ("parameters", "at", "records", "fires"),
    [
        pytest.param(STILL, (0, 1, 64), steps([2.3] * 65, learning_rate=0.0), True, id="0"),
        pytest.param(STILL, (0, 1, 16), steps([2.3] * 17, learning_rate=0.0), False, id="early"),
        pytest.param(STILL, (0, 1, 64), steps([2.3] * 65, learning_rate=0.1), False, id="at the looks only"),
        pytest.param([NET[0], *STILL[1:]], (0, 1, 64), [], False, id="one group"),
    ],
)
def test_a_learning_rate_of_zero(parameters, at, records, fires):
    finding = zero_rate(looks(parameters, at), records)
    assert (finding and finding.rule) == ("learning_rate.zero" if fires else None)


@pytest.mark.parametrize(
    ("ratio", "changed", "says"),
    [
        pytest.param(1e-9, False, "rounded", id="too small for the format"),
        pytest.param(1e-3, False, "set back", id="written back"),
        pytest.param(1e-9, True, None, id="it changes"),
        pytest.param(None, False, None, id="not held by the optimizer that steps"),
    ],
)
def test_updates_that_have_no_effect(ratio, changed, says):
    finding = lost_updates(looks([replace(p, update_ratio=ratio, changed=changed) for p in NET]), [])
    assert (finding and says in finding.cause) == (True if says else None)


def test_a_warm_up_from_zero_is_not_held_against_a_parameter():
    still = [replace(p, changed=False) for p in NET]
    cold = [replace(p, learning_rate=0.0, changed=False) for p in NET]
    begun = [*looks(cold, at=(0, 1, 2, 4))[:4], *looks(still, at=(7, 12))]
    assert [f.changed for f in fates(begun)] == [None] * len(NET)


FROZEN = {"trainable": False, "learning_rate": 1e-4, "changed": False, "gradient": None, "reached": False}
SAME_RATE = {**FROZEN, "learning_rate": 1e-3}
LONG = (0, 1, 2, 4, 8, 16, 32, 64, 114)


@pytest.mark.parametrize(
    ("parameters", "at", "meanwhile", "finally_"),
    [
        pytest.param([weight("enc", **FROZEN, **NEW), *NET], LONG, False, True, id="with a rate of its own"),
        pytest.param([weight("enc", **FROZEN, **NEW), *NET], (*LONG, 1000), True, True, id="for very long"),
        pytest.param([weight("enc", **FROZEN, **NEW), *NET], AT, False, False, id="not for long"),
        pytest.param([weight("enc", **FROZEN), *NET], LONG, False, False, id="a trained body"),
        pytest.param(
            [weight("enc", **{**FROZEN, "learning_rate": 1e-3}, **NEW), *NET], LONG, False, False, id="given along"
        ),
        pytest.param([weight("enc", **FROZEN, **NEW, optimized=False), *NET], LONG, False, False, id="not given"),
        pytest.param([*NET, weight("enc", **SAME_RATE, **NEW)], LONG, False, True, id="behind what is trained"),
        pytest.param(
            [weight("prompt", (2, 64)), weight("enc", **SAME_RATE, **NEW)], LONG, False, False, id="behind a prompt"
        ),
        pytest.param(
            [weight("enc", **{**FROZEN, "learning_rate": 1e-3}, **NEW), weight("out", (10,))],
            LONG,
            True,
            True,
            id="only a bias is left to train",
        ),
    ],
)
def test_frozen_layers_that_the_optimizer_was_given(parameters, at, meanwhile, finally_):
    seen = looks(parameters, at)
    for judge, fires in ((frozen_parameters, meanwhile), (frozen_to_the_end, finally_)):
        finding = judge(seen, [])
        assert (finding and finding.evidence["layer"]) == ("enc" if fires else None)


def test_layers_that_were_unfrozen_in_time_were_meant_to_be_frozen():
    frozen, free = weight("enc", **FROZEN, **NEW), weight("enc", learning_rate=1e-4, **NEW)
    seen = [*looks([frozen, *NET], LONG), *looks([free, *NET], (164, 214))]

    assert frozen_to_the_end(seen, []) is None


def test_zero_gradients_of_parameters_that_change_all_the_same_are_compared_with_nothing():
    still = weight("first", **ZERO)
    moved = weight("second", gradient=stats(4096, 0.0), changed=True, update_ratio=0.001)
    assert zero_gradients(looks([still, moved]), steps(FLAT)) is None
