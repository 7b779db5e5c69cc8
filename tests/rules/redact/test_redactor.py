"""The configuration of a redactor, its switch and its counts."""

import threading

import pytest

from otel_mldebug.errors import ConfigError
from otel_mldebug.rules.redact import DEFAULT, Redactor


def test_off_means_untouched():
    redactor = Redactor(enabled=False)
    value = {"password": "x"}

    assert redactor.text("password=hunter2") == "password=hunter2"
    assert redactor.value(value) is value
    assert redactor.item("password", "x") == "x"
    assert redactor.counts == {}


def test_each_replacement_is_counted_by_kind():
    redactor = Redactor()
    redactor.text("password=hunter2 mail bob@example.com and amy@example.com")
    redactor.value({"password": "x"})

    assert redactor.counts == {"password": 2, "email": 2}


def test_no_count_is_lost_between_threads():
    redactor = Redactor()
    threads = [
        threading.Thread(target=lambda: [redactor.text("password=hunter2") for _ in range(200)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert redactor.counts == {"password": 1600}


def test_the_default_is_on():
    assert DEFAULT.text("password=hunter2") == "password=[redacted:password]"


@pytest.mark.parametrize(
    ("patterns", "text", "expected"),
    [
        ((("ticket", "TCK-[0-9]+"),), "see TCK-12, TCK-3.", "see [redacted:ticket], [redacted:ticket]."),
        ((("patient", "patient (?P<secret>[A-Z]+)"),), "patient SMITH x", "patient [redacted:patient] x"),
        ((("opt", "a(?P<secret>b)?"),), "a ab", "[redacted:opt] a[redacted:opt]"),
        ((("empty", "a(?P<secret>b*)"),), "a ab", "a a[redacted:empty]"),
    ],
)
def test_further_patterns(patterns, text, expected):
    assert Redactor(patterns=patterns).text(text) == expected


def test_further_keys_in_any_spelling():
    redactor = Redactor(keys=("employee_number", "zzz"))
    text = "employeeNumber=a1 EMPLOYEE-NUMBER: b2 employee=c3 {'zzz': 'd4'}"

    assert redactor.text(text) == (
        "employeeNumber=[redacted:configured-key] EMPLOYEE-NUMBER: [redacted:configured-key] employee=c3 "
        "{'zzz': '[redacted:configured-key]'}"
    )
    assert redactor.value({"employee.number": "x", "y": 1}) == {"employee.number": "[redacted:configured-key]", "y": 1}
    assert redactor.text("password=hunter2") == "password=[redacted:password]"


def test_exempt_keys_and_finds_stay_and_are_not_counted():
    redactor = Redactor(exempt_keys=("public_token",), exempt_patterns=(r"@example\.com$", "^hunter2$"))

    assert redactor.text("publicToken=abc123 bob@example.com bob@example.org password=hunter2") == (
        "publicToken=abc123 bob@example.com [redacted:email] password=hunter2"
    )
    assert redactor.value({"PUBLIC-TOKEN": "abc", "password": "hunter2"}) == {
        "PUBLIC-TOKEN": "abc",
        "password": "hunter2",
    }
    assert redactor.counts == {"email": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"patterns": (("ticket", "TCK-("),)},
            "redaction pattern 'ticket'='TCK-(' is not usable: expected a regular expression of Python's re module "
            "(missing ), unterminated subpattern at position 4); correct it or take the entry out.",
        ),
        (
            {"patterns": (("Ticket No", "x"),)},
            "name of a redaction pattern='Ticket No' is not usable: expected small letters, digits and hyphens, "
            "40 at most.",
        ),
        (
            {"patterns": (("a", "x*"),)},
            "redaction pattern 'a'='x*' is not usable: expected a regular expression that does not match an empty "
            "text.",
        ),
        (
            {"exempt_patterns": ("ok", "[")},
            "redaction exemption 2='[' is not usable: expected a regular expression of Python's re module "
            "(unterminated character set at position 0); correct it or take the entry out.",
        ),
        (
            {"keys": ("--",)},
            "redaction key='--' is not usable: expected the name of a key, with at least one letter.",
        ),
        (
            {"exempt_keys": ("",)},
            "exempt redaction key='' is not usable: expected the name of a key, with at least one letter.",
        ),
    ],
)
def test_a_mistake_is_named_with_its_entry_and_remedy(arguments, message):
    with pytest.raises(ConfigError) as caught:
        Redactor(**arguments)
    assert str(caught.value) == message


def test_equal_configurations_are_equal():
    assert Redactor(keys=("a",)) == Redactor(keys=("a",)) != Redactor(keys=("b",))
