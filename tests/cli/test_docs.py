"""docs/reference/command-line.md is what the parsers say, and names all there is."""

import re

from otel_mldebug.cli import docs
from otel_mldebug.cli.main import COMMANDS, parser_for


def test_the_page_is_current():
    assert docs.PAGE.read_text(encoding="utf-8") == docs.page(), "run: make generate"


def test_the_page_does_not_depend_on_the_width_of_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert docs.PAGE.read_text(encoding="utf-8") == docs.page()


def test_every_option_is_explained():
    silent = [
        f"{command} {action.dest}"
        for command in COMMANDS
        for action in parser_for(command)._actions
        if not (action.help or "").strip()
    ]
    assert silent == []


def test_no_table_is_broken_by_a_bar():
    rows = [line for line in docs.page().splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3}
