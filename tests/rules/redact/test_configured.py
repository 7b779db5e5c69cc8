"""The redactor that the settings ask for, and what it shows of what is private."""

import pytest

from otel_mldebug.config import Config
from otel_mldebug.errors import ConfigError
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.rules.redact.configured import configured, here, without_secrets_kept
from otel_mldebug.rules.redact.exposure import Exposure, Place
from otel_mldebug.semconv import names

PLACE = Place(home="/home/alice", cwd="/home/alice/project")
FRAME = {"file": "/home/alice/project/train.py", "function": "main", "line": 3, "code": "load('/home/alice/x')"}
EXCEPTION = {
    "type": "OSError",
    "message": "no /home/alice/x",
    "stacktrace": 'File "/home/alice/project/train.py", line 3\npassword=hunter2',
    "frames": [FRAME],
    "chain": [{"type": "ValueError", "frames": [FRAME]}],
}
ATTRIBUTES = {
    names.HOST_NAME: "node7.example.org",
    "process.owner": "alice",
    names.PROCESS_COMMAND_ARGS: ("python", "/home/alice/project/train.py"),
    names.CODE_FILE_PATH: "/home/alice/project/train.py",
    names.EXCEPTION_STACKTRACE: 'File "/home/alice/project/train.py", line 3',
    "url.path": "/home/alice",
    "note": "see /home/alice/x",
    "n": 3,
    "unset": None,
}


def test_without_settings_it_is_the_default():
    assert configured(Config()) == Redactor()


def test_it_has_all_that_the_settings_say_and_what_a_caller_adds():
    config = Config(
        redact=False,
        redact_patterns=(("ticket", "TCK-[0-9]+"),),
        redact_keys=("badge",),
        redact_keep_keys=("public_token",),
        redact_keep_patterns=("@example",),
        exposure="short",
    )
    assert configured(config, enabled=True, keys=("room",), max_depth=3) == Redactor(
        patterns=(("ticket", "TCK-[0-9]+"),),
        keys=("badge", "room"),
        exempt_keys=("public_token",),
        exempt_patterns=("@example",),
        max_depth=3,
        exposure=Exposure.SHORT,
        place=here(),
    )
    assert not configured(config).enabled


@pytest.mark.parametrize(
    ("name", "entries", "start"),
    [
        ("redact_patterns", (("a", "b"), ("ticket", "[")), "redaction pattern 'ticket'='['"),
        ("redact_patterns", (("Ticket", "b"),), "name of a redaction pattern='Ticket'"),
        ("redact_keys", ("badge", "-"), "redaction key='-'"),
        ("redact_keep_keys", ("-",), "exempt redaction key='-'"),
        ("redact_keep_patterns", ("a", "b*"), "redaction exemption 2='b*'"),
    ],
)
def test_an_unusable_entry_is_named_with_its_setting_and_where_that_stands(name, entries, start):
    config = Config(**{name: entries}, origins={name: f"environment {name.upper()}"})
    with pytest.raises(ConfigError) as caught:
        configured(config)
    assert str(caught.value).startswith(f"{name} (environment {name.upper()}): {start} is not usable: expected ")


SHORT = Redactor(exposure=Exposure.SHORT, place=PLACE)
NONE = Redactor(exposure=Exposure.NONE, place=PLACE)


def test_an_exception_at_short():
    frame = {"file": "train.py", "function": "main", "line": 3, "code": "load('~/x')"}
    assert SHORT.value(EXCEPTION) == {
        "type": "OSError",
        "message": "no ~/x",
        "stacktrace": 'File "train.py", line 3\npassword=[redacted:password]',
        "frames": [frame],
        "chain": [{"type": "ValueError", "frames": [frame]}],
    }


def test_an_exception_at_none():
    frame = {"function": "main", "line": 3}
    assert NONE.value(EXCEPTION) == {
        "type": "OSError",
        "message": "no ~/x",
        "frames": [frame],
        "chain": [{"type": "ValueError", "frames": [frame]}],
    }


def test_attributes_at_short_and_at_none():
    shown = {key: SHORT.item(key, value) for key, value in ATTRIBUTES.items()}
    user = shown.pop("process.owner")
    assert (user[:5], len(user), "alice" in user) == ("user-", 13, False)
    assert shown == {
        names.HOST_NAME: "node7",
        names.PROCESS_COMMAND_ARGS: ("python", "train.py"),
        names.CODE_FILE_PATH: "train.py",
        names.EXCEPTION_STACKTRACE: 'File "train.py", line 3',
        "url.path": "/home/alice",
        "note": "see ~/x",
        "n": 3,
        "unset": None,
    }
    assert NONE.value(ATTRIBUTES) == {"url.path": "/home/alice", "note": "see ~/x", "n": 3, "unset": None}
    assert [key for key in ATTRIBUTES if NONE.item(key, ATTRIBUTES[key]) is None][:-1] == list(ATTRIBUTES)[:5]


def test_full_shows_everything_that_is_no_secret():
    assert {key: Redactor().item(key, value) for key, value in ATTRIBUTES.items()} == ATTRIBUTES


def test_a_command_line_at_each_level():
    command = ["python", "/home/alice/project/train.py", "--api-key", "abcdefgh12345678"]
    assert SHORT.argv(command) == ["python", "train.py", "--api-key", "[redacted:api-key]"]
    assert NONE.argv(command) == []


def test_exposure_holds_where_secrets_are_left_alone():
    foreign = without_secrets_kept(SHORT)
    value = {"password": "hunter2", "at": ["/home/alice/x"]}
    assert foreign.value(value) == {"password": "hunter2", "at": ["~/x"]}
    assert foreign.text("password=hunter2 in /home/alice/x") == "password=hunter2 in ~/x"
    assert foreign.item("password", "hunter2") == "hunter2"
    assert foreign.counts == {}


def test_the_total_is_of_all_kinds():
    redactor = Redactor()
    redactor.text("password=hunter2 mail bob@example.com")
    assert redactor.total == 2
