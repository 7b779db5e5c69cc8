"""The entries about metrics, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    ("metrics.one_class", "ValueError", "Only one class present in y_true. ROC AUC score is not defined in that case."),
    (
        "metrics.label_kind",
        "ValueError",
        "Classification metrics can't handle a mix of multiclass and continuous targets",
    ),
    ("metrics.input", "ValueError", "Mismatch in the number of predictions (30) and references (31)"),
    ("metrics.structure", "torchmetrics.utilities.exceptions.Odd", "never seen"),
]
OTHERS = [
    ("loss.target_shape", "RuntimeError", "0D or 1D target tensor expected, multi-target not supported"),
    ("lightning.misconfiguration", "lightning.fabric.utilities.exceptions.MisconfigurationException", "never seen"),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("metrics.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours
