"""What the verdict proposes can be pasted into the shell it was printed in."""

import sys
from pathlib import Path

import pytest

from otel_mldebug.cli.aftermath import command


@pytest.fixture
def project(tmp_path, monkeypatch):
    script = tmp_path / ".venv" / "bin" / "otel-mldebug"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    return script


def test_on_the_path_it_is_the_name(project):
    assert command("anything", str(project.parent)) == "otel-mldebug"


def test_elsewhere_it_is_the_path_from_here(project):
    assert command(str(project), "/nowhere") == str(Path(".venv") / "bin" / "otel-mldebug")


def test_started_as_a_module_it_is_the_module(project, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(project.parent / "python"))
    assert command("/somewhere/__main__.py", "/nowhere") == f"{Path('.venv') / 'bin' / 'python'} -m otel_mldebug"
