"""The emitter's counts, looked at now and then: what rises is one finding, and again only after it has stopped."""

import time

import pytest

from otel_mldebug.export.emitter import Emitter, Outlets
from otel_mldebug.export.groups import Groups
from otel_mldebug.export.rates import SLOTS, Counted, Rates
from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.testing import Telemetry
from otel_mldebug.wiring import pipeline


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def finding(rule="data.bad", fingerprint="f00d"):
    return Finding(rule=rule, category=Category.DATA, severity=Severity.ERROR, summary="Bad.", fingerprint=fingerprint)


class Program:
    """An emitter with a clock of its own; each `pass_by` is one slot of ten seconds."""

    def __init__(self):
        self.clock, self.made = Clock(), []
        self.emitter = Emitter(Outlets(), groups=Groups(self.clock), rates_clock=self.clock)
        self.emitter.listeners.append(lambda occurrence: self.made.append(occurrence.finding.rule))

    def pass_by(self, *counts, **of):
        before = len(self.made)
        for count in counts:
            for _ in range(count):
                self.emitter.finding(finding(**of))
            self.clock.now_s += 10.0
            self.emitter.look_at_rates()
        return [rule for rule in self.made[before:] if rule == "errors.rising"]


@pytest.fixture
def program():
    return Program()


def test_what_rises_is_one_finding_although_most_occurrences_were_only_counted(program):
    assert program.pass_by(*[0] * 10) == []
    assert program.pass_by(20, 20, 20) == ["errors.rising"]
    assert program.pass_by(20, 20) == []


def test_it_is_said_again_after_it_has_stopped(program):
    program.pass_by(*[0] * 10, 30, 30)
    assert program.pass_by(*[0] * 70) == []
    assert program.pass_by(60, 60, 60) == ["errors.rising"]


def test_a_steady_rate_is_never_said(program):
    assert program.pass_by(*[3] * 70) == []


def test_a_finding_about_rates_is_not_counted_as_an_error_itself():
    clock = Clock()
    rates = Rates(clock)
    said = []
    for count in [0] * 10 + [50, 100, 150]:
        clock.now_s += 10.0
        said += rates.look([Counted("f", finding(rule="errors.rising"), count)] if count else [])
    assert said == []


def test_a_group_that_fell_out_and_came_back_counts_from_one():
    clock = Clock()
    rates = Rates(clock)
    for count in [*range(3, 33, 3), 3, 6, 9, 12, 15, 18]:
        clock.now_s += 10.0
        assert rates.look([Counted("f", finding(), count)]) == []


def test_memory_is_bounded():
    clock = Clock()
    rates = Rates(clock)
    for number in range(3 * SLOTS):
        clock.now_s += 10.0
        rates.look([Counted(str(number), finding(fingerprint=str(number)), 1)])
    assert len(rates._counts) == 1
    assert len(rates._seconds) == SLOTS


def test_a_group_without_news_is_forgotten_in_time(program):
    program.pass_by(5, *[0] * (SLOTS + 1))
    assert program.emitter._rates._counts == {}


def test_the_pipeline_of_a_process_looks_by_itself(monkeypatch):
    monkeypatch.setattr(pipeline, "TICK_S", 0.001)
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "100")
    with Telemetry() as telemetry:
        emitter = telemetry.runtime.open().emitter
        deadline_s = time.monotonic() + 30
        while len(emitter._rates._seconds) < 8 and time.monotonic() < deadline_s:
            time.sleep(0.01)
        while time.monotonic() < deadline_s:
            emitter.finding(finding())
            if rising := [one for one in telemetry.findings if one.finding.rule == "errors.rising"]:
                break
            time.sleep(0.01)
        assert [one.finding.evidence["group"] for one in rising] == ["data.bad"]
