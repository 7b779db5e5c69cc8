"""The examples in the pages about functions, probes and cost run as they stand."""

import re
from pathlib import Path

import pytest

from otel_mldebug.instrument import budget
from otel_mldebug.instrument.functions import registry, statistics

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("how-to/watch-functions.md", "how-to/add-a-probe.md", "reference/cost.md")


def examples(page: str) -> str:
    text = (DOCS / page).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(page):
    registry.forget()
    source = examples(page)
    assert source
    exec(compile(source, page, "exec"), {"__name__": "example"})
    if "functions" in page:
        assert {row.function: row.calls for row in statistics()} == {
            "example.load": 4,
            "example.batches": 1,
            "save checkpoint": 1,
        }


def test_the_page_about_cost_states_the_constants_of_the_code():
    text = (DOCS / "reference/cost.md").read_text(encoding="utf-8")

    assert f"{budget.DEFAULT_SHARE:.0%}".replace("%", " %") in text
    assert f"{budget.BURST_NS // 1_000_000} ms" in text
    assert f"{budget.ELSEWHERE['span']:.0f} times" in text
