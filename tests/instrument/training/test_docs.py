"""The examples in the pages about models, tests, guarded loops and frameworks run as they stand."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otel_mldebug.instrument.training import progress
from otel_mldebug.instrument.training.debugging import tracking
from otel_mldebug.testing import Telemetry

pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

DOCS = Path(__file__).parents[3] / "docs" / "how-to"


@pytest.fixture(autouse=True)
def apart() -> Iterator[None]:
    tracking.forget()
    progress.follow(None, None)
    yield
    tracking.forget()
    progress.follow(None, None)


def examples(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def run(page: str, sources: list[str]) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile("\n".join(sources), page, "exec"), names)
    return names


def test_the_examples_about_models_run_and_find_nothing_wrong(tmp_path):
    with Telemetry(store=tmp_path) as telemetry:
        names = run("debug-a-model.md", examples("debug-a-model.md"))

    assert names["window"].file.name.startswith("profile-")
    assert [row.layer for row in names["watched"].activations().rows] == ["0", "1", "2", "Sequential"]
    assert [f.finding.rule for f in telemetry.findings if f.finding.severity not in ("info", "debug")] == []


def test_the_checks_of_the_page_about_tests_pass():
    names = run("test-your-model.md", examples("test-your-model.md"))
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 5
    for test in tests:
        test()


def test_the_examples_about_guarded_loops_run():
    assert run("guarded-loop.md", examples("guarded-loop.md"))["summary"].batches == 3


@pytest.mark.parametrize("library", ["lightning", "transformers", "accelerate"])
def test_the_examples_about_frameworks_run(library):
    pytest.importorskip(library, reason=f"{library} is not installed")
    [source] = [source for source in examples("frameworks.md") if f"otel_mldebug.{library}" in source]
    run("frameworks.md", [source])


def test_every_rule_that_the_page_about_models_names_exists():
    text = (DOCS / "debug-a-model.md").read_text(encoding="utf-8")
    package = DOCS.parents[1] / "otel_mldebug"
    code = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    rules = re.findall(r"`((?:contract|inference|profile)\.[a-z_]+)`", text)
    assert len(rules) >= 7
    assert [rule for rule in rules if f'"{rule}"' not in code] == []
