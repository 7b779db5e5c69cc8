"""What docs/tutorial/first-five-minutes.md says is so."""

import re
import shlex
from pathlib import Path

import pytest

from otel_mldebug.cli.main import COMMANDS, parser_for

TUTORIAL = (Path(__file__).parents[2] / "docs" / "tutorial" / "first-five-minutes.md").read_text(encoding="utf-8")


def test_every_command_in_it_is_understood():
    commands = [shlex.split(words, comments=True) for words in re.findall(r"\$ otel-mldebug (.*)", TUTORIAL)]
    assert len(commands) >= 8
    for command, *words in commands:
        assert command in COMMANDS
        parser_for(command).parse_args(words)


@pytest.mark.torch
def test_the_mistake_in_it_is_told_as_it_says(mldebug, script, told):
    script("mistake.py", re.findall(r"```python\n(.*?)```", TUTORIAL, re.DOTALL)[0].splitlines())
    done = mldebug("run", "mistake.py")
    assert done.returncode == 1
    assert "RuntimeError: " in done.stderr
    for words in (
        "[32, 7] times [8, 16]",
        "step 15, in layer 0, mistake.py:7 in <module>",
        "equal to the last dimension of its input: 7",
    ):
        assert told(words) in told(done.stderr)
