"""Redaction and exposure in a process of its own: what is written of it, and settings that cannot be used."""

import platform

import pytest

from otel_mldebug.config import Config
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.rules.redact.exposure import Exposure, Place
from otel_mldebug.semconv import names
from otel_mldebug.wiring.identity import identify

FAILS = """
import otel_mldebug
otel_mldebug.configure()
raise ValueError("TCK-12 in /home/alice/x")
"""


def test_at_none_nothing_written_names_host_or_command_line(programs):
    done = programs.run(FAILS, "--data", "/home/alice/x", OTEL_MLDEBUG_EXPOSURE="none")
    resource = done.process_json()[0]["resource"]
    found = done.findings()[0]
    assert names.HOST_NAME not in resource
    assert names.PROCESS_COMMAND_ARGS not in resource
    assert found[names.EXCEPTION_MESSAGE] == "TCK-12 in ~/x"
    assert names.EXCEPTION_STACKTRACE not in found
    assert done.processes[0].name.startswith(resource[names.SERVICE_INSTANCE_ID])
    written = "".join(path.read_text() for path in done.processes[0].iterdir())
    assert str(programs.directory) not in written
    assert "alice" not in written


def test_patterns_of_the_environment_reach_what_is_written(programs):
    done = programs.run(FAILS, OTEL_MLDEBUG_REDACT_PATTERNS="ticket=TCK-[0-9]+")
    assert done.findings()[0][names.EXCEPTION_MESSAGE] == "[redacted:ticket] in /home/alice/x"
    assert done.process_json()[0]["resource"][names.HOST_NAME] == platform.node()


def test_an_entry_that_cannot_be_used_is_said_to_who_configures(programs):
    done = programs.run(FAILS, OTEL_MLDEBUG_REDACT_PATTERNS="ticket=[")
    assert done.stderr.splitlines()[-1].startswith(
        "otel_mldebug.errors.ConfigError: redact_patterns (environment OTEL_MLDEBUG_REDACT_PATTERNS): "
        "redaction pattern 'ticket'='[' is not usable: expected a regular expression"
    )
    assert done.processes == []


@pytest.mark.parametrize(
    ("level", "host", "command"),
    [
        (Exposure.FULL, "node7.example.org", ("python", "/home/alice/p/t.py")),
        (Exposure.SHORT, "node7", ("python", "t.py")),
        (Exposure.NONE, None, None),
    ],
)
def test_the_resource_shows_as_much_as_it_may(monkeypatch, level, host, command):
    monkeypatch.setattr("sys.orig_argv", ["python", "/home/alice/p/t.py"])
    monkeypatch.setattr("platform.node", lambda: "node7.example.org")
    resource = identify(Config(), environ={}).resource(Redactor(exposure=level, place=Place(cwd="/home/alice/p")))
    assert (resource.get(names.HOST_NAME), resource.get(names.PROCESS_COMMAND_ARGS)) == (host, command)
    assert None not in resource.values()
