"""Promises about the repository itself."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from otel_mldebug.semconv import names

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "otel_mldebug"
MODULES = sorted(PACKAGE.rglob("*.py"))
BORROWED = {metric.name for metric in names.METRICS} | {
    value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)
}


def _strings(path: Path):
    """Yield the string constants of a module, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node


def test_no_telemetry_name_is_spelled_outside_semconv():
    spelled = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.value!r}"
        for path in MODULES
        if "semconv" not in path.parts
        for node in _strings(path)
        if node.value in BORROWED
        or (re.fullmatch(r"(mldebug|hw)\.[a-z_.]+", node.value) and not node.value.endswith((".toml", ".json")))
    ]
    assert not spelled, "use otel_mldebug.semconv.names instead"


@pytest.mark.parametrize(
    ("module", "must_not_load"),
    [
        ("otel_mldebug", {"torch", "pynvml", "opentelemetry.sdk", "psutil", "rich"}),
        ("otel_mldebug.cli.main", {"torch", "opentelemetry.sdk", "opentelemetry", "psutil", "rich"}),
        ("otel_mldebug.rules", {"torch", "opentelemetry"}),
    ],
)
def test_an_import_stays_light(module, must_not_load):
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) & must_not_load == set()


def test_files_have_one_subject_each():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in ROOT.glob("*/**/*.py")
        if not {".venv", ".nox", "build", "dist"} & set(path.parts)
        and path.name != "names.py"
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert long == {}, "past 300 lines a file has two subjects: split it by subject"


def test_every_module_says_what_belongs_in_it():
    assert [str(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))] == []


def test_nothing_is_left_for_later():
    marked = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line)
    ]
    assert marked == []


def _links(page: Path):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text)


PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_in_the_docs_leads_somewhere(page):
    assert [link for link in _links(page) if not (page.parent / link).exists()] == []
