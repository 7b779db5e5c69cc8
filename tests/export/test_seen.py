"""An exception remembers what was made of it, whatever its class does, and stays harmless elsewhere."""

import copy
import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass

import pytest

from otel_mldebug.export import failure
from otel_mldebug.export.emitter import Emitter, Outlets
from otel_mldebug.export.failure import explained
from otel_mldebug.export.seen import ATTRIBUTE, Turns, finding_of, occurrence_of, remember
from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.rules.redact.redactor import DEFAULT
from otel_mldebug.semconv.names import Category, Severity

FINDING = Finding(
    rule="cuda.oom",
    category=Category.MEMORY,
    severity=Severity.CRITICAL,
    summary="No room.",
    solutions=("Smaller batch.",),
    evidence={"requested_bytes": 5},
    fingerprint="f" * 16,
)
OCCURRENCE = Occurrence(finding=FINDING, id="1" * 16, time_ns=7, function="m.f")


class SlotsError(Exception):
    __slots__ = ("x",)


class NoSettingError(Exception):
    def __setattr__(self, name, value):
        raise RuntimeError("do not touch")

    def __getattribute__(self, name):
        raise RuntimeError("do not look")


class OwnDictError(Exception):
    @property
    def __dict__(self):
        raise RuntimeError("no dictionary here")


@dataclass(frozen=True)
class FrozenError(Exception):
    code: int


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: ValueError("x"), id="built in"),
        pytest.param(lambda: KeyError("k"), id="KeyError"),
        pytest.param(StopIteration, id="StopIteration"),
        pytest.param(MemoryError, id="MemoryError"),
        pytest.param(lambda: OSError(2, "no such file"), id="made another type by its constructor"),
        pytest.param(lambda: UnicodeDecodeError("utf-8", b"x", 0, 1, "why"), id="made in C"),
        pytest.param(lambda: SlotsError("x"), id="slots"),
        pytest.param(lambda: NoSettingError("x"), id="raises on every access"),
        pytest.param(lambda: OwnDictError("x"), id="hides its dictionary"),
        pytest.param(lambda: FrozenError(3), id="frozen dataclass"),
    ],
)
def test_every_kind_of_exception_remembers(make):
    exc = make()
    assert occurrence_of(exc) is None
    remember(exc, OCCURRENCE)
    assert occurrence_of(exc) is OCCURRENCE
    assert finding_of(exc) is FINDING


def test_a_pickled_exception_holds_nothing_of_ours_but_plain_values():
    exc = ValueError("x")
    remember(exc, OCCURRENCE)
    data = pickle.dumps(exc)
    code = f"""
import pickle, sys
exc = pickle.loads({data!r})
print(type(exc.{ATTRIBUTE}).__name__, sum("mldebug" in name for name in sys.modules))
"""
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["dict", "0"]


@pytest.mark.parametrize("travel", [lambda exc: pickle.loads(pickle.dumps(exc)), copy.copy, copy.deepcopy])
def test_an_exception_that_comes_back_still_has_its_finding(travel):
    exc = ValueError("x")
    remember(exc, OCCURRENCE)
    assert occurrence_of(travel(exc)) == OCCURRENCE


@pytest.mark.parametrize("foreign", [{}, {"finding": 3}, {"finding": {"rule": "x"}}, "text", 5, None])
def test_an_attribute_of_somebody_else_is_no_finding(foreign):
    exc = ValueError("x")
    setattr(exc, ATTRIBUTE, foreign)
    assert occurrence_of(exc) is None
    assert finding_of(exc) is None


def test_two_threads_that_see_one_exception_make_one_finding():
    explaining, going_on = threading.Event(), threading.Event()

    def slowly(exc, redactor, **given):
        explaining.set()
        going_on.wait(5)
        return explained(exc, redactor, **given)

    made = []
    emitter = Emitter(Outlets(), explain=slowly)
    emitter.listeners.append(made.append)
    exc = ValueError("boom")
    seen_by = []
    threads = [threading.Thread(target=lambda: seen_by.append(emitter.exception(exc))) for _ in range(2)]
    threads[0].start()
    assert explaining.wait(5)
    threads[1].start()
    going_on.set()
    for thread in threads:
        thread.join(5)
    assert len(made) == 1
    assert [occurrence.id for occurrence in seen_by] == [made[0].id] * 2


def test_a_thread_that_stays_at_an_exception_holds_up_no_other(monkeypatch):
    monkeypatch.setattr("otel_mldebug.export.seen.MAX_WAIT_S", 0.01)
    turns, exc = Turns(), ValueError("boom")
    done = threading.Event()
    with turns.of(exc):
        other = threading.Thread(target=lambda: turns.of(exc).__enter__() or done.set())
        other.start()
        assert done.wait(5)
        with turns.of(exc):
            pass
    assert not turns._taken


def test_a_thread_that_holds_what_explaining_needs_holds_up_no_other(monkeypatch):
    monkeypatch.setattr(failure, "MAX_WAIT_S", 0.01)
    found = []
    with failure.forking:
        other = threading.Thread(target=lambda: found.append(explained(ValueError("boom"), DEFAULT)))
        other.start()
        other.join(5)
    assert [made.finding.rule for made in found] == ["unknown"]
