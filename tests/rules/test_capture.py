"""A live exception becomes facts, whatever it is made of."""

import builtins
import subprocess
import sys
from pathlib import Path

import pytest

from otel_mldebug.rules.capture import MAX_CHAIN, MAX_FRAMES, MAX_MESSAGE, facts_of
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.unwrap import links


def raised(make):
    try:
        raise make() if callable(make) else make
    except BaseException as exc:
        return exc


def chain_of(facts):
    found = []
    while facts is not None:
        found.append((facts.type, facts.message))
        facts = facts.cause
    return found


def test_a_plain_exception_gives_type_bases_message_and_the_place_it_was_raised():
    facts = facts_of(raised(ValueError("bad value 3")))

    assert (facts.type, facts.message, facts.bases) == ("ValueError", "bad value 3", ("Exception", "BaseException"))
    (frame,) = facts.frames
    assert (frame.function, frame.in_app, frame.code) == ("raised", True, "raise make() if callable(make) else make")
    assert frame.file == __file__


@pytest.mark.parametrize("kind", [KeyError, ValueError])
def test_a_message_that_is_a_kind_of_text_is_kept_without_its_own_printing(kind):
    class Hidden(str):
        def __str__(self):
            raise AssertionError

        __repr__ = __str__

    assert facts_of(kind(Hidden("Caught in worker 0.\nKeyError: 'label'"))).message == (
        "Caught in worker 0.\nKeyError: 'label'"
    )


def test_an_exception_that_was_never_raised_has_no_frames():
    assert facts_of(ValueError("x")) == ErrorFacts(
        type="ValueError", message="x", bases=("Exception", "BaseException"), attributes={}
    )


def test_a_class_is_named_as_a_traceback_names_it():
    class LocalError(OSError):
        pass

    LocalError.__module__ = "package.errors"
    name = "test_a_class_is_named_as_a_traceback_names_it.<locals>.LocalError"
    assert facts_of(LocalError(2, "gone")).type == f"package.errors.{name}"
    LocalError.__module__ = "__main__"
    assert facts_of(LocalError(2, "gone")).type == name


def test_frames_of_ours_are_left_out_between_those_of_the_program_and_kept_where_they_raise():
    ours = {"__name__": "otel_mldebug.instrument.functions.decorator"}
    exec("def watched(work): work()\ndef refuse(): raise ValueError('no')", ours)

    def work():
        raise ValueError("program")

    found = []
    for call in (lambda: ours["watched"](work), lambda: ours["watched"](ours["refuse"])):
        with pytest.raises(ValueError, match=r"program|no") as caught:
            call()
        found.append([frame.function.rpartition(".")[2] for frame in facts_of(caught.value).frames])
    test = "test_frames_of_ours_are_left_out_between_those_of_the_program_and_kept_where_they_raise"
    assert found == [[test, "<lambda>", "work"], [test, "<lambda>", "refuse"]]


@pytest.mark.parametrize(
    "collected",
    [
        pytest.param({"capture_output": True}, id="bytes"),
        pytest.param({"capture_output": True, "text": True}, id="text"),
        pytest.param({"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}, id="errors among the output"),
    ],
)
def test_the_traceback_that_a_failed_command_has_written_is_the_root(collected):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        subprocess.run([sys.executable, "-c", "import no_such_module"], check=True, **collected)
    facts = facts_of(caught.value)
    assert [link.type for link in links(facts)] == ["ModuleNotFoundError", "subprocess.CalledProcessError"]
    assert explain(facts).rule == "module.missing"


@pytest.mark.parametrize("stderr", [None, b"", "usage: wrong", 7, "x" * 200_000])
def test_a_failed_command_that_has_written_no_traceback_stands_for_itself(stderr):
    facts = facts_of(subprocess.CalledProcessError(2, ["cmd"], stderr=stderr))
    assert facts.message == "Command '['cmd']' returned non-zero exit status 2."


def test_the_cause_wins_over_the_context_and_a_suppressed_context_is_left_out():
    first, second = KeyError("k"), RuntimeError("outer")
    second.__context__ = first
    assert chain_of(facts_of(second)) == [("RuntimeError", "outer"), ("KeyError", "'k'")]
    second.__cause__ = ValueError("real")
    assert chain_of(facts_of(second)) == [("RuntimeError", "outer"), ("ValueError", "real")]
    second.__cause__ = None
    second.__suppress_context__ = True
    assert chain_of(facts_of(second)) == [("RuntimeError", "outer")]


def test_a_chain_in_a_circle_ends():
    first, second = ValueError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    assert chain_of(facts_of(first)) == [("ValueError", "a"), ("ValueError", "b")]


def test_a_very_long_chain_keeps_its_outermost_and_innermost_links():
    last = None
    for number in range(5000):
        exc = ValueError(str(number))
        exc.__cause__ = last
        last = exc
    numbers = [int(message) for _, message in chain_of(facts_of(last))]
    assert numbers == [*range(4999, 4991, -1), *range(7, -1, -1)]
    assert len(numbers) == MAX_CHAIN


def test_a_deep_recursion_keeps_the_outermost_and_innermost_frames():
    def dive(depth):
        return dive(depth - 1) if depth else 1 / 0

    facts = facts_of(_raised_by(dive))
    assert len(facts.frames) == MAX_FRAMES
    assert facts.frames[0].function.endswith("_raised_by")
    assert facts.frames[-1].code == "return dive(depth - 1) if depth else 1 / 0"


def _raised_by(dive):
    try:
        dive(200)
    except ZeroDivisionError as exc:
        return exc
    raise AssertionError("unreachable")


def test_a_huge_message_keeps_its_beginning_and_its_end():
    message = facts_of(ValueError("begin" + "x" * 10_000_000 + "end")).message
    assert len(message) == MAX_MESSAGE
    assert (message[:5], message[-3:]) == ("begin", "end")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups and notes came with Python 3.11")
def test_members_of_a_group_and_notes_are_kept():
    make = builtins.ExceptionGroup
    group = make("two", [ValueError("a"), make("one", [KeyError("b")])])
    group.add_note("first note")
    facts = facts_of(group)

    assert facts.notes == ("first note",)
    assert [(member.type, member.message) for member in facts.group] == [
        ("ValueError", "a"),
        ("ExceptionGroup", "one (1 sub-exception)"),
    ]
    assert [member.type for member in facts.group[1].group] == ["KeyError"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with Python 3.11")
def test_members_that_are_the_same_again_and_again_do_not_multiply():
    def size(facts):
        return 1 + sum(size(member) for member in facts.group)

    error: BaseException = ValueError("a")
    for _ in range(12):
        error = builtins.ExceptionGroup("same", [error] * 5)
    found = size(facts_of(error))
    error = ValueError("its repr would multiply")
    assert found == 1 + 12 * 5


def test_plain_attributes_are_kept_and_the_status_is_taken_from_the_response():
    class Response:
        def __init__(self):
            self.status_code = 404
            self.body = object()

    class HTTPError(Exception):
        pass

    error = HTTPError("404")
    error.response = Response()
    error.exitcode = -9
    error.url = "https://example.org"
    error.tensor = object()
    assert facts_of(error).attributes == {"status_code": 404, "exitcode": -9, "url": "https://example.org"}


def test_botocore_keeps_the_status_in_a_mapping():
    error = ValueError("AccessDenied")
    error.response = {"ResponseMetadata": {"HTTPStatusCode": 403}, "Error": {"Code": "AccessDenied"}}
    assert facts_of(error).attributes == {"status_code": 403}


def test_errno_and_file_name_of_an_operating_system_error_are_kept():
    facts = facts_of(_missing_file())
    assert facts.attributes == {
        "errno": 2,
        "strerror": "No such file or directory",
        "filename": "/does/not/exist",
    }


def _missing_file():
    try:
        Path("/does/not/exist").read_bytes()
    except OSError as exc:
        return exc
    raise AssertionError("unreachable")


def test_source_lines_are_left_out_when_the_time_is_up():
    late = iter([0.0, *[10.0] * 1000])
    facts = facts_of(raised(ValueError("x")), clock=lambda: next(late))
    assert (facts.message, facts.frames[0].code) == ("x", "")
