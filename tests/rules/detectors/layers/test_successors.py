"""Layers that take the place of others or are unfrozen during training, and tables that no optimizer holds."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.layers.swapped import swapped_layers
from otel_mldebug.rules.detectors.layers.tables import forgotten_tables
from otel_mldebug.rules.detectors.layers.unfrozen import unfrozen_parameters
from otel_mldebug.semconv.names import Severity
from tests.rules.detectors.layers.building import FLAT, NET, looks, stats, steps, weight

OLD = weight("head")
NEW = weight("head", (10, 64), optimized=False, update_ratio=None, learning_rate=None)
ORPHAN = replace(OLD, layer="", module="", reached=False, gradient=None, update_ratio=None)
BEFORE = looks([*NET, OLD], at=(0, 16, 64))
RISEN = steps([1.0 + 0.01 * (i % 3) + 1.5 * (i >= 80) for i in range(140)])


def after(*parameters, at=(128,)):
    return [*BEFORE, *looks([*NET, *parameters], at=at)]


def test_a_head_that_is_replaced_in_the_midst_is_found_where_the_loss_jumps():
    finding = swapped_layers(after(NEW, ORPHAN), RISEN)
    assert finding is not None
    assert finding.rule == "parameter.replaced"
    assert finding.evidence == {"step": 80, "layer": "head", "parameters": ("head.weight",), "seen_at_step": 128}


def test_without_a_jump_it_is_the_step_at_which_it_was_seen():
    finding = swapped_layers(after(NEW, ORPHAN), steps([1.0 + 0.01 * (i % 3) for i in range(140)]))
    assert finding is not None
    assert finding.evidence["step"] == 128


def shared(records):
    made = Course(records)
    made.shared = True
    return made


@pytest.mark.parametrize(
    ("seen", "records"),
    [
        pytest.param(BEFORE, RISEN, id="nothing was replaced"),
        pytest.param(after(NEW, ORPHAN, at=(82,)), RISEN[:83], id="another optimizer may come to it"),
        pytest.param(after(NEW, ORPHAN), FLAT[:1] * 128, id="it may have been replaced just now"),
        pytest.param(after(NEW, ORPHAN), shared(RISEN), id="another optimizer steps"),
        pytest.param(after(replace(NEW, optimized=True), ORPHAN), RISEN, id="added to the optimizer"),
        pytest.param(after(replace(NEW, gradient=None), ORPHAN), RISEN, id="it gets no gradient"),
        pytest.param(after(NEW, replace(ORPHAN, reached=True)), RISEN, id="the old one is in use"),
        pytest.param(after(ORPHAN), RISEN, id="the layer is not used any more"),
        pytest.param([*after(NEW, ORPHAN), *looks([*NET, OLD], at=(136,))], RISEN, id="back again"),
        pytest.param(looks([*NET, NEW, ORPHAN]), RISEN, id="from the start: another rule"),
        pytest.param(after(NEW, ORPHAN), [], id="no steps"),
    ],
)
def test_layers_that_come_and_go_are_left_alone(seen, records):
    assert swapped_layers(seen, records) is None


DRAWN = stats(60 * 32, 1.0)


def table(layer="emb", **other):
    given = {"module": "Embedding", "optimized": False, "changed": False, "weight": DRAWN, "update_ratio": None}
    return weight(layer, (60, 32), **{**given, **other})


@pytest.mark.parametrize(
    ("seen", "severity"),
    [
        pytest.param(table(), Severity.WARNING, id="as PyTorch draws it"),
        pytest.param(table(weight=stats(60 * 32, 0.4)), Severity.INFO, id="vectors from elsewhere"),
        pytest.param(
            table(layer="Embedding#2", weight=stats(60 * 32, 0.4)), Severity.WARNING, id="a part of no module"
        ),
        pytest.param(table(optimized=True, changed=True), None, id="held"),
        pytest.param(table(trainable=False, gradient=None), None, id="frozen"),
        pytest.param(table(gradient=None), None, id="no gradient"),
        pytest.param(table(changed=True), None, id="something else changes it"),
    ],
)
def test_a_table_that_no_optimizer_holds(seen, severity):
    finding = forgotten_tables(looks([seen, *NET]), [])
    assert (finding and finding.severity) == severity


def test_a_table_is_no_news_where_more_is_left_out_or_others_step_or_it_is_early():
    assert forgotten_tables(looks([table(), weight("body", optimized=False), *NET]), []) is None
    assert forgotten_tables(looks([table(), *NET]), shared(RISEN)) is None
    assert forgotten_tables(looks([table(), *NET])[:5], []) is None
    assert forgotten_tables(looks([table()]), []) is None


VECTORS = table(weight=stats(60 * 32, 0.4))


def old(**other):
    """Return the table that was there when the optimizer was made."""
    gone = {"layer": "", "module": "", "optimized": True, "reached": False, "gradient": None, "name": "#0 of Adam"}
    return replace(table(), **{**gone, **other})


@pytest.mark.parametrize(
    ("held", "rule"),
    [
        pytest.param(old(), "parameter.replaced", id="the old table, which nothing depends on"),
        pytest.param(old(shape=(90, 32)), "parameter.replaced", id="of a smaller vocabulary"),
        pytest.param(old(shape=(60, 8)), "parameter.left_out", id="of another width"),
        pytest.param(old(reached=True), "parameter.left_out", id="in use"),
        pytest.param(old(reached=None), "parameter.left_out", id="nobody knows whether it is in use"),
        pytest.param(old(gradient=stats(60 * 32, 0.1)), "parameter.left_out", id="gets gradients"),
        pytest.param(old(layer="other", name="other.weight"), "parameter.left_out", id="part of a model"),
        pytest.param(old(shape=(32,)), "parameter.left_out", id="no table"),
    ],
)
def test_a_table_that_was_replaced_is_told_from_one_that_was_left_out(held, rule):
    finding = forgotten_tables(looks([VECTORS, held, *NET]), [])
    assert finding is not None
    assert finding.rule == rule
    assert (finding.severity, finding.evidence.get("held_in_vain")) == (
        (Severity.ERROR, 1) if rule == "parameter.replaced" else (Severity.INFO, None)
    )


FROZEN = weight("body", trainable=False, optimized=False, gradient=None, changed=False, update_ratio=None)
FREE = weight("body", optimized=False, changed=False, update_ratio=None)
PHASES = ((0, 16, 64), (72, 108, 160))


def thawing(*phases):
    """Return looks in which a layer is as given in each phase."""
    return [look for at, one in zip((*PHASES, (200,)), phases, strict=False) for look in looks([one, NET[-1]], at=at)]


def test_layers_that_are_unfrozen_and_given_to_no_optimizer_are_found():
    finding = unfrozen_parameters(thawing(FROZEN, FREE), [])
    assert finding is not None
    assert (finding.rule, finding.severity) == ("parameter.not_in_optimizer", Severity.WARNING)
    assert finding.evidence == {"step": 72, "layer": "body", "parameters": ("body.weight",)}


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(thawing(FROZEN, replace(FREE, optimized=True, changed=True)), id="added to the optimizer"),
        pytest.param(thawing(replace(FROZEN, optimized=True), replace(FREE, optimized=True)), id="held all along"),
        pytest.param(thawing(FROZEN, FREE, FROZEN), id="frozen again"),
        pytest.param(thawing(FROZEN, replace(FREE, gradient=None)), id="no gradient"),
        pytest.param(thawing(FROZEN, replace(FREE, changed=True)), id="updated by hand"),
        pytest.param(thawing(FREE, FREE), id="never frozen: another rule"),
        pytest.param(thawing(FROZEN, FREE)[:4], id="seen once"),
        pytest.param(thawing(FROZEN, FROZEN), id="still frozen"),
        pytest.param(looks([FROZEN], at=(0, 1)) + looks([FREE], at=(2, 20)), id="an optimizer may come for them"),
    ],
)
def test_layers_that_are_trained_or_on_purpose_left_are_no_news(seen):
    assert unfrozen_parameters(seen, []) is None
