"""Layers that take the place of others during training, and tables that no optimizer holds."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.layers.swapped import swapped_layers
from otel_mldebug.rules.detectors.layers.tables import forgotten_tables
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
