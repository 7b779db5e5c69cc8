"""Names of other toolkits mean one of ours, and the reference says which."""

from pathlib import Path

import pytest

from otel_mldebug.rules.taxonomy import CATEGORIES, SEVERITIES, category_of, severity_of
from otel_mldebug.semconv.names import Category, Severity

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "taxonomy.md"


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("memory", Category.MEMORY),
        ("CUDA_OOM", Category.MEMORY),
        ("Shape Mismatch", Category.MODEL),
        ("ErrorCategory.MODEL_LOADING", Category.MODEL_LOADING),
        ("validation-error", Category.INPUT_VALIDATION),
        ("ShapeMismatch", Category.MODEL),
        ("Model Loading Error", Category.MODEL_LOADING),
        ("DataLoadingFailure", Category.DATA),
        ("GPU issues", Category.MODEL),
        ("rate limit", Category.NETWORK),
        ("error", None),
        ("_error", None),
        ("something else", None),
        ("", None),
    ],
)
def test_category_of(name, category):
    assert category_of(name) is category


@pytest.mark.parametrize(
    ("name", "severity"),
    [("WARN", Severity.WARNING), ("Fatal", Severity.CRITICAL), ("error", Severity.ERROR), ("loud", None)],
)
def test_severity_of(name, severity):
    assert severity_of(name) is severity


@pytest.mark.parametrize("table", [CATEGORIES, SEVERITIES])
def test_the_reference_lists_every_name(table):
    text = REFERENCE.read_text(encoding="utf-8")
    for name, meaning in table.items():
        if name != str(meaning):
            (row,) = [line for line in text.splitlines() if line.startswith(f"| `{meaning}` | `")]
            assert f"`{name}`" in row


@pytest.mark.parametrize("category", Category)
def test_the_reference_describes_every_category(category):
    rows = [
        line for line in REFERENCE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{category}` | ")
    ]
    assert max(row.count("|") for row in rows) == 5
