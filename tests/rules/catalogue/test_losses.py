"""The entries about losses, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    ("loss.target_range", "IndexError", "Target -1 is out of bounds."),
    ("loss.batch_size", "ValueError", "Expected input batch_size (96) to match target batch_size (12)."),
    (
        "loss.target_shape",
        "ValueError",
        "Target size (torch.Size([9])) must be the same as input size (torch.Size([9, 1]))",
    ),
    ("loss.input_range", "RuntimeError", "all elements of input should be between 0 and 1"),
    ("loss.target_dtype", "RuntimeError", "Expected floating point type for target with class probabilities, got Int"),
    (
        "loss.ctc",
        "RuntimeError",
        "Expected input_lengths to have value at most 50, but got value 64 (while checking arguments for ctc_loss_cpu)",
    ),
    ("loss.diverged", "FloatingPointError", "Loss became infinite or NaN at iteration=311!"),
]
OTHERS = [
    ("shape.matmul", "RuntimeError", "mat1 and mat2 shapes cannot be multiplied (8x10 and 12x4)"),
    ("index.embedding", "IndexError", "index out of range in self"),
    ("metrics.one_class", "ValueError", "Only one class present in y_true. ROC AUC score is not defined in that case."),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("losses.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours
