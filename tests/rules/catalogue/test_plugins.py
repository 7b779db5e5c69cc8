"""Packages bring patterns along: found without importing them, and one that is broken harms nobody."""

import logging
import sys

import pytest

from otel_mldebug.rules.catalogue.plugins import entries
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

ENTRY = """
[[pattern]]
id = "{id}"
category = "inference"
summary = "{summary}"
solutions = ["Empty it."]
match = [{{ message = 'frobnicator overflow' }}]
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package that fails to be imported: its files by path, its entry points by name."""

    def make(files, **points):
        site = tmp_path / "site"
        package = site / "acme_plugin"
        (package / "inner").mkdir(parents=True)
        (package / "__init__.py").write_text("raise SystemExit('imported')")
        for name, text in files.items():
            (package / name).write_text(text)
        info = site / "acme_plugin-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-plugin\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[otel_mldebug_patterns]", *lines, ""]))
        monkeypatch.syspath_prepend(str(site))

    return make


def explained(patterns):
    finding = explain(ErrorFacts(type="RuntimeError", message="frobnicator overflow"), patterns)
    return finding.rule, finding.summary


def test_without_plugins_and_files_there_are_only_ours():
    assert entries() is None


@pytest.mark.parametrize(
    ("file", "value"),
    [
        ("patterns.toml", "acme_plugin"),
        ("queue.toml", "acme_plugin:queue"),
        ("inner/patterns.toml", "acme_plugin.inner"),
    ],
)
def test_the_patterns_of_a_package_are_used_and_nothing_of_it_is_imported(install, file, value):
    install({file: ENTRY.format(id="acme.full", summary="The plugin knows.")}, acme=value)
    assert explained(entries()) == ("acme.full", "The plugin knows.")
    assert "acme_plugin" not in sys.modules


def test_the_users_entry_wins_over_a_plugins_with_the_same_id(install, tmp_path):
    install({"patterns.toml": ENTRY.format(id="acme.full", summary="The plugin knows.")}, acme="acme_plugin")
    own = tmp_path / "own.toml"
    own.write_text(ENTRY.format(id="acme.full", summary="The user knows."))
    found = entries((own,))
    assert explained(found) == ("acme.full", "The user knows.")
    assert [pattern.id for pattern in found].count("acme.full") == 1


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("acme_plugin:broken", "pattern 1: id=None is not usable"),
        ("acme_plugin:missing", "expected a package with a file missing.toml"),
        ("no_such_package", "expected a package with a file patterns.toml"),
    ],
)
def test_a_broken_plugin_is_left_out_with_a_word_and_the_others_hold(install, caplog, value, why):
    files = {"patterns.toml": ENTRY.format(id="acme.full", summary="It knows."), "broken.toml": "[[pattern]]\n"}
    install(files, acme="acme_plugin", bad=value)
    with caplog.at_level(logging.WARNING, "otel_mldebug"):
        assert explained(entries()) == ("acme.full", "It knows.")
    (record,) = caplog.records
    assert record.getMessage().startswith(f"the patterns of the plugin bad ({value}) are left out: ")
    assert why in record.getMessage()
