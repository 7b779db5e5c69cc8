"""What is given to us in place of an exception: a program that handles a failure must not fail at that."""

import pytest

import otel_mldebug


@pytest.mark.parametrize("given", [None, "out of memory", 3, ValueError])
def test_a_person_gets_an_answer_all_the_same(given, caplog):
    assert otel_mldebug.user_message(given) == "Something went wrong."
    assert otel_mldebug.handle_error(given).rule == "unknown"
    assert caplog.text == ""


@pytest.mark.parametrize("given", ["out of memory", 3, ValueError])
def test_what_is_captured_by_hand_has_to_be_one(given, caplog):
    assert otel_mldebug.capture_exception(given) is None
    kind = type(given).__name__
    assert caplog.messages == [f"capture_exception() got a {kind} and no exception: nothing is reported."]


def test_where_nothing_is_handled_there_is_nothing_to_capture(caplog):
    assert otel_mldebug.capture_exception() is None
    assert caplog.text == ""
