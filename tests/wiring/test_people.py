"""Texts, ids and answers for the person who catches an exception, callbacks, and data about users."""

import asyncio
import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import otel_mldebug
from otel_mldebug import _guard
from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.rules.wording import for_user, in_full
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.testing import Telemetry
from otel_mldebug.wiring import people, process
from otel_mldebug.wiring.callbacks import Callback

SECRET = "hf_abcdefghijklmnopqrstuvwxyzabcdefgh"


@pytest.fixture
def telemetry():
    with Telemetry() as pipeline:
        yield pipeline


@pytest.fixture(autouse=True)
def _as_at_the_start(monkeypatch):
    yield
    people._debug = None
    people._user.clear()
    process.listeners.clear()


def refused():
    return ConnectionRefusedError(111, "Connection refused")


def made(**changes):
    finding = {
        "rule": "network.refused",
        "category": Category.NETWORK,
        "severity": Severity.WARNING,
        "summary": "Nothing listens on 10.0.0.1:80.",
        "cause": "The server is down.",
        "solutions": ("Start it.", "Wait."),
        "retryable": True,
    }
    return Occurrence(
        finding=Finding(**{**finding, **changes}), id="00000000000000aa", time_ns=1, function="app.f", step=3
    )


# Texts


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param(
            {},
            "Another service could not be reached. Trying again in a moment may help. "
            "If you report this, quote 00000000000000aa.",
            id="retryable",
        ),
        pytest.param(
            {"category": Category.GRADIENT, "severity": Severity.CRITICAL, "retryable": False},
            "Something went wrong. Trying again will not help. If you report this, quote 00000000000000aa.",
            id="of no interest to users",
        ),
    ],
)
def test_a_user_is_told_little_and_what_to_quote(changes, text):
    assert for_user(made(**changes)) == text


def test_a_developer_is_told_everything():
    assert in_full(made()).splitlines() == [
        "warning: Nothing listens on 10.0.0.1:80.",
        "where: app.f, step 3",
        "cause: The server is down.",
        "try 1: Start it.",
        "try 2: Wait.",
        "known as: network.refused, trying again may help, 00000000000000aa",
    ]


@given(st.sampled_from(Category), st.sampled_from(Severity), st.booleans(), st.text())
def test_a_user_sees_nothing_of_the_failure_itself(category, severity, retryable, text):
    plain = made(category=category, severity=severity, retryable=retryable)
    other = made(category=category, severity=severity, retryable=retryable, summary=text, cause=text, rule=text)
    assert for_user(plain) == for_user(other)
    assert len(for_user(plain)) <= 200


def test_the_id_in_the_text_is_the_one_of_the_finding(telemetry):
    exc = refused()
    text = otel_mldebug.user_message(exc)
    assert [occurrence.id in text for occurrence in telemetry.findings] == [True]
    assert otel_mldebug.user_message(exc) == text
    assert otel_mldebug.finding_of(exc) is telemetry.findings[0].finding


def test_what_nobody_watches_still_gets_a_text_without_an_id():
    assert otel_mldebug.user_message(refused()) == (
        "Another service could not be reached. Trying again in a moment may help."
    )
    assert otel_mldebug.handle_error(refused()).id == ""


# Debug mode


def full(exc=None):
    return "known as:" in otel_mldebug.user_message(exc or refused())


def test_debug_mode_can_be_switched_while_the_program_runs(telemetry):
    shown = [full()]
    for on in (True, False, None):
        otel_mldebug.debug_mode(on)
        shown.append(full())
    assert shown == [False, True, False, False]


def test_debug_mode_of_one_session_is_not_that_of_others(telemetry):
    shown = {}

    async def session(name, on):
        with otel_mldebug.debugging(on):
            await asyncio.sleep(0)
            shown[name] = full()

    async def main():
        await asyncio.gather(session("developer", True), session("user", False))

    with otel_mldebug.debugging():
        other = threading.Thread(target=lambda: shown.update(thread=full()))
        other.start()
        other.join()
        shown["here"] = full()
    asyncio.run(main())
    shown["after"] = full()
    assert shown == {"developer": True, "user": False, "thread": False, "here": True, "after": False}


def test_a_session_wins_over_the_process_and_the_process_over_the_setting(telemetry, monkeypatch):
    monkeypatch.setattr(process, "_runtime", Telemetry(debug=True).runtime)
    shown = [full()]
    otel_mldebug.debug_mode(False)
    shown.append(full())
    with otel_mldebug.debugging(True):
        shown.append(full())
    assert shown == [True, False, True]


def test_the_full_text_holds_no_secret(telemetry):
    with otel_mldebug.debugging():
        assert SECRET not in otel_mldebug.user_message(PermissionError(f"denied for {SECRET}"))


# handle_error


def test_an_answer_is_plain_data(telemetry):
    answer = otel_mldebug.handle_error(refused(), context={"model": "m"}, user_data={"plan": "free"}, tried=["again"])
    (seen,) = telemetry.findings
    assert json.loads(json.dumps(answer.to_json())) == {
        "text": for_user(seen),
        "id": seen.id,
        "rule": seen.finding.rule,
        "category": "network",
        "severity": str(seen.finding.severity),
        "retryable": True,
        "tried": ["again"],
        "recovered": False,
    }
    assert seen.context == {"model": "m", "user.plan": "free", "tried": "again", "recovered": False}


def test_a_failure_that_was_got_over_is_a_warning_at_most(telemetry):
    answer = otel_mldebug.handle_error(ValueError("x"), tried=["a smaller batch"], recovered=True)
    assert (answer.severity, answer.recovered) == (Severity.WARNING, True)
    assert otel_mldebug.handle_error(ValueError("x")).severity is Severity.ERROR


def test_own_category_and_severity_win(telemetry):
    found = otel_mldebug.capture_exception(refused(), category="data", severity="critical", user_data={"id": 7})
    assert (found.finding.category, found.finding.severity) == (Category.DATA, Severity.CRITICAL)
    assert found.context == {"user.id": 7}


def test_names_of_other_toolkits_are_understood(telemetry):
    found = otel_mldebug.capture_exception(refused(), category="CUDA_OOM", severity="fatal")
    assert (found.finding.category, found.finding.severity) == (Category.MEMORY, Severity.CRITICAL)


def test_names_that_do_not_exist_are_logged_and_the_failure_is_reported_as_we_see_it(telemetry, caplog):
    found = otel_mldebug.capture_exception(refused(), category="nonsense", severity="awful")
    assert (found.finding.category, found.finding.severity) == (Category.NETWORK, Severity.ERROR)
    assert [record.getMessage()[:62] for record in caplog.records] == [
        "category='nonsense' does not exist and is not taken. There are",
        "severity='awful' does not exist and is not taken. There are: d",
    ]


def test_own_values_win_for_what_was_seen_before_too_and_it_is_counted_once(telemetry):
    exc = refused()
    first = telemetry.runtime.exception(exc)
    later = otel_mldebug.capture_exception(exc, severity="critical")
    answer = otel_mldebug.handle_error(exc, recovered=True)
    assert (later.id, later.finding.severity, answer.severity) == (first.id, Severity.CRITICAL, Severity.WARNING)
    assert otel_mldebug.finding_of(exc).severity is Severity.WARNING, "the last word counts"
    assert telemetry.findings == [first]


class HostileError(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


def test_a_hostile_exception_gets_an_answer(telemetry):
    assert otel_mldebug.handle_error(HostileError()).id == telemetry.findings[0].id


# Data about users


def test_user_data_is_on_findings_and_the_nearest_wins(telemetry):
    otel_mldebug.set_user_data(plan="free", seat=1, token=SECRET)
    with otel_mldebug.user_data(seat=2):
        inside = telemetry.runtime.exception(ValueError("1")).context
        own = otel_mldebug.capture_exception(ValueError("2"), user_data={"seat": 3}).context
    otel_mldebug.set_user_data(plan=None, token=None)
    after = telemetry.runtime.exception(ValueError("3")).context
    assert (inside["user.plan"], inside["user.seat"], own["user.seat"]) == ("free", 2, 3)
    assert SECRET not in repr(inside)
    assert after == {"user.seat": 1}


# Callbacks


@pytest.fixture
def told():
    with Telemetry() as pipeline:
        pipeline.runtime._listeners.clear()
        pipeline.runtime._listeners = process.listeners
        yield pipeline


def test_a_callback_is_told_until_it_is_ended(told):
    seen = []
    stop = otel_mldebug.on_finding(seen.append)
    first = told.runtime.exception(ValueError("1"))
    stop()
    stop()
    told.runtime.exception(ValueError("2"))
    assert seen == [first]


@pytest.mark.parametrize("exc", [RuntimeError("mine"), SystemExit(3)], ids=lambda exc: type(exc).__name__)
def test_a_callback_that_fails_breaks_nothing_and_is_named_once(told, caplog, exc):
    seen = []

    def broken(_):
        raise exc

    otel_mldebug.on_finding(broken)
    otel_mldebug.on_finding(seen.append)
    found = [told.runtime.exception(ValueError(str(n))) for n in range(3)]
    assert seen == found
    assert [record.getMessage().split()[2].rpartition(".")[2] for record in caplog.records] == ["broken"]
    assert _guard.faults() == {}


def test_a_slow_callback_is_named_once(caplog):
    times = iter([0.0, 0.3, 1.0, 1.5, 2.0, 2.05])
    callback = Callback(print, lambda: next(times))
    for _ in range(3):
        callback(made())
    assert [record.getMessage() for record in caplog.records] == [
        "the callback print for findings took 0.3 s, and the program waited"
    ]


def test_a_callback_that_captures_is_not_told_of_that(told):
    seen = []

    def again(occurrence):
        seen.append(occurrence.id)
        otel_mldebug.capture_exception(ValueError("inside"))

    otel_mldebug.on_finding(again)
    first = told.runtime.exception(ValueError("outside"))
    assert seen == [first.id]
