"""What is kept of an exception group: its members, with what led to each of them."""

import sys

import pytest

from otel_mldebug.cli import finding_page
from otel_mldebug.cli.render import Look
from otel_mldebug.export.failure import explained
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.store.contract import finding_json
from otel_mldebug.store.otlp_json import occurrence_from_log, occurrence_to_log
from tests.store.making import finding, occurrence

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups are new in Python 3.11")


def parse():
    try:
        int("x3")
    except ValueError as exc:
        raise LookupError("no number, token=abcdefgh12345678") from exc


def refuse():
    raise ConnectionRefusedError(111, "Connection refused")


def caught(work):
    try:
        work()
    except Exception as exc:
        return exc


def raised():
    unread, refused = caught(parse), caught(refuse)

    def both():
        raise ExceptionGroup("two of them", [unread, ExceptionGroup("inside", [refused])])  # noqa: F821

    return caught(both)


def outline(exception):
    return {
        "is": exception["type"],
        "in": [frame["function"] for frame in exception.get("frames", ())][-1:],
        **{key: [outline(other) for other in exception[key]] for key in ("chain", "group") if key in exception},
    }


def test_each_member_is_kept_with_its_frames_and_causes():
    made = explained(raised(), Redactor())
    assert outline(made.exception) == {
        "is": "ExceptionGroup",
        "in": ["raised.<locals>.both"],
        "group": [
            {"is": "LookupError", "in": ["parse"], "chain": [{"is": "ValueError", "in": ["parse"]}]},
            {"is": "ExceptionGroup", "in": [], "group": [{"is": "ConnectionRefusedError", "in": ["refuse"]}]},
        ],
    }
    assert made.exception["group"][0]["message"] == "no number, token=[redacted:token]"


def test_the_function_is_where_the_first_member_failed():
    assert explained(raised(), Redactor()).function == f"{__name__}.parse"


def test_the_store_gives_back_what_was_kept_and_the_page_shows_it():
    exception = explained(raised(), Redactor()).exception
    back = occurrence_from_log(occurrence_to_log(occurrence(of=finding(), exception=exception)))
    stored = finding_json(back, {})
    assert outline(stored["exception"]) == outline(exception)

    page = finding_page.lines({**stored, "count": 1}, Look(width=100))
    heads = [line for line in page if line[:1].strip() and ("Error: " in line or "Group: " in line)]
    assert heads == [
        "exception  ExceptionGroup: two of them (2 sub-exceptions)",
        "1 of 2     LookupError: no number, token=[redacted:token]",
        "caused by  ValueError: invalid literal for int() with base 10: 'x3'",
        "2 of 2     ExceptionGroup: inside (1 sub-exception)",
        "1 of 1     ConnectionRefusedError: [Errno 111] Connection refused",
    ]


def test_groups_inside_groups_are_bounded():
    group = ValueError("bad")
    for _ in range(10):
        group = ExceptionGroup("again", [ValueError("bad"), group])  # noqa: F821
    kept = explained(group, Redactor()).exception
    assert str(outline(kept)).count("ExceptionGroup") == 4
