"""Settings for redaction: the same from environment, file and argument, and a mistake is named by its entry."""

import pytest

from otel_mldebug.config import Config
from otel_mldebug.errors import ConfigError

WANTED = Config(
    redact_patterns=(("ticket", "TCK-[0-9]+"), ("room", "room=(?P<secret>[a-z,]+)")),
    redact_keys=("employee_number", "badge"),
    redact_keep_keys=("public_token",),
    redact_keep_patterns=(r"@example\.com$", "a{1,2}"),
    exposure="short",
)


def load(tmp_path, environ=None, **arguments):
    return Config.load(environ=environ or {}, directory=tmp_path, **arguments)


def test_from_the_environment(tmp_path):
    environ = {
        "OTEL_MLDEBUG_REDACT_PATTERNS": "ticket=TCK-[0-9]+\n\n room = room=(?P<secret>[a-z,]+)\n",
        "OTEL_MLDEBUG_REDACT_KEYS": "employee_number, badge,",
        "OTEL_MLDEBUG_REDACT_KEEP_KEYS": "public_token",
        "OTEL_MLDEBUG_REDACT_KEEP_PATTERNS": "@example\\.com$\na{1,2}",
        "OTEL_MLDEBUG_EXPOSURE": "short",
    }
    assert load(tmp_path, environ) == WANTED


def test_from_a_file(tmp_path):
    (tmp_path / "mldebug.toml").write_text(
        "redact_keys = ['employee_number', 'badge']\nredact_keep_keys = 'public_token'\n"
        "redact_keep_patterns = ['@example\\.com$', 'a{1,2}']\nexposure = 'short'\n"
        "[redact_patterns]\nticket = 'TCK-[0-9]+'\nroom = 'room=(?P<secret>[a-z,]+)'\n"
    )
    assert load(tmp_path) == WANTED


@pytest.mark.parametrize("make", [tuple, dict], ids=["pairs", "mapping"])
def test_from_arguments(tmp_path, make):
    given = {
        "redact_patterns": make(WANTED.redact_patterns),
        "redact_keys": ["employee_number", "badge"],
        "redact_keep_keys": ("public_token",),
        "redact_keep_patterns": list(WANTED.redact_keep_patterns),
        "exposure": "short",
    }
    assert load(tmp_path, **given) == WANTED


PAIRS = "expected NAME=REGEX, one a line, or a table of them."
NAMES = "expected names separated by commas, or a list of them."


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("redact_patterns", "a=b\nticket", f"redact_patterns: entry 2='ticket' is not usable: {PAIRS}"),
        ("redact_patterns", "=b", f"redact_patterns: entry 1='=b' is not usable: {PAIRS}"),
        ("redact_patterns", {"a": 1}, f"redact_patterns: entry 1='a=1' is not usable: {PAIRS}"),
        ("redact_patterns", ["a=b"], f"redact_patterns: entry 1='a=b' is not usable: {PAIRS}"),
        ("redact_patterns", 7, f"redact_patterns=7 is not usable: {PAIRS}"),
        ("redact_keys", ["a", 1], f"redact_keys: entry 2=1 is not usable: {NAMES}"),
        ("redact_keep_keys", {"a": "b"}, f"redact_keep_keys={{'a': 'b'}} is not usable: {NAMES}"),
        (
            "redact_keep_patterns",
            ["x", ""],
            "redact_keep_patterns: entry 2='' is not usable: "
            "expected regular expressions, one a line, or a list of them.",
        ),
        ("exposure", "some", "exposure='some' is not usable: expected one of full, short, none."),
    ],
)
def test_a_mistake_is_named_by_setting_and_entry(tmp_path, name, given, message):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **{name: given})
    assert str(caught.value) == message
