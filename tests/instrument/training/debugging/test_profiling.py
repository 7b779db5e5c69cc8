"""`profile_steps` and `profile_on`: which steps they profile, what they keep, and that they end."""

import gzip
import json
import sys
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::UserWarning")]

from torch import nn  # noqa: E402

from otel_mldebug import UsageError, profile_on, profile_steps  # noqa: E402
from otel_mldebug.instrument.training import options  # noqa: E402
from otel_mldebug.instrument.training.debugging import profiling  # noqa: E402
from otel_mldebug.rules.finding import Finding, Occurrence  # noqa: E402
from otel_mldebug.semconv.names import Category, Severity  # noqa: E402
from otel_mldebug.testing import Telemetry  # noqa: E402
from otel_mldebug.wiring import process  # noqa: E402
from otel_mldebug.wiring.profiling import by_setting  # noqa: E402


class Loop:
    def __init__(self) -> None:
        self.net = nn.Linear(8, 8)
        self.opt = torch.optim.SGD(self.net.parameters(), 0.1)

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.opt.zero_grad()
            self.net(torch.ones(4, 8)).sum().backward()
            self.opt.step()


def hooks() -> int:
    return len(sys.modules["torch.optim.optimizer"]._global_optimizer_post_hooks)  # torch.optim hides it


def test_as_many_steps_as_asked_are_profiled_and_the_trace_is_kept_with_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(profiling, "_windows", 0)
    loop, before = Loop(), hooks()
    with Telemetry(store=tmp_path) as telemetry:
        with profile_steps(3, skip=2) as window:
            loop.step(2)
            assert window.steps == 0
            loop.step(9)
            assert window.steps == 3
        [occurrence] = telemetry.findings
        events = json.loads(gzip.decompress(window.file.read_bytes()))["traceEvents"]

    finding = occurrence.finding
    assert (finding.rule, finding.severity, finding.evidence["steps"]) == ("profile.window", "info", 3)
    assert finding.evidence["file"] == window.file.name == "profile-1.json.gz"
    assert window.file.is_relative_to(tmp_path)
    assert sum(event.get("name") == "aten::addmm" for event in events) == 3
    assert "aten::addmm" in str(window)
    assert hooks() == before


def test_a_block_without_steps_is_profiled_as_a_whole(seen):
    with profile_steps(5, skip=0) as window, torch.no_grad():
        nn.Linear(8, 8)(torch.ones(1, 8))

    assert window.steps == 0
    assert window.file is None  # nothing is kept here
    assert [f.summary.startswith("Profiled one block: ") for f, _ in seen.found] == [True]


def test_a_window_that_never_began_says_nothing(seen):
    with profile_steps(5, skip=3) as window:
        Loop().step(2)
    assert (window.steps, str(window), seen.found) == (0, "Nothing has been profiled yet.", [])


def test_what_the_block_raises_passes_and_the_profiler_ends(seen):
    before = hooks()
    with pytest.raises(KeyError, match="mine"), profile_steps(5, skip=0):
        raise KeyError("mine")
    assert hooks() == before
    with profile_steps(1, skip=0) as window:
        Loop().step()
    assert window.steps == 1


def test_one_window_at_a_time(seen, caplog):
    with profile_steps(5, skip=0) as outer, profile_steps(5, skip=0) as inner:
        Loop().step(2)
    assert (outer.steps, inner.steps) == (2, 0)
    assert "another window is open" in caplog.text


def test_only_so_many_traces_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(profiling, "_windows", profiling.MOST_WINDOWS)
    with Telemetry(store=tmp_path) as telemetry:
        with profile_steps(1, skip=0) as window:
            Loop().step()
        assert "file" not in telemetry.findings[0].finding.evidence
    assert window.file is None


def test_a_trace_that_is_too_large_is_removed_again(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(profiling, "_windows", 0)
    monkeypatch.setattr(profiling, "MOST_BYTES", 10)
    with Telemetry(store=tmp_path), profile_steps(1, skip=0) as window:
        Loop().step()
    assert window.file is None
    assert list(tmp_path.rglob("*.json.gz")) == []
    assert "was removed; profile fewer steps" in caplog.text


@pytest.mark.parametrize("arguments", [{"n": 0}, {"n": 101}, {"n": 5, "skip": -1}])
def test_numbers_out_of_range_are_refused(arguments):
    with pytest.raises(UsageError, match="give 1 to 100 steps"):
        profile_steps(**arguments)


def slow(rule: str) -> Any:
    return Occurrence(
        finding=Finding(rule=rule, category=Category.TRAINING, severity=Severity.WARNING, summary="slow"),
        id="1",
        time_ns=0,
    )


def test_a_finding_that_something_is_slow_sets_off_a_window(seen):
    loop, before = Loop(), hooks()
    end = profile_on(steps=2, most=2)
    for rule in ("loss.spike", "timing.spikes", "data.input_bound", "timing.spikes"):
        for listener in list(process.listeners):
            listener(slow(rule))
        loop.step(5)
    end()
    for listener in list(process.listeners):
        listener(slow("timing.spikes"))

    assert [f.evidence["steps"] for f, _ in seen.found if f.rule == "profile.window"] == [2, 2]
    assert hooks() == before


def test_looks_of_ours_are_put_off_until_the_window_is_over(watched, monkeypatch):
    monkeypatch.setattr(options, "_current", options.Options(layers=1))
    loop = Loop()
    with profile_steps(4, skip=2) as window:
        loop.step(8)

    assert [look.step for look in watched.looks] == [0, 1, 6, 7]
    assert "aten::where" not in str(window)


@pytest.mark.parametrize(
    ("asked", "profiled"),
    [("2:5", [(2, 3)]), ("9:30", [(9, 3)]), ("40:50", []), ("timing.*", []), ("loss.*, timing.spikes", [])],
)
def test_the_setting_names_the_steps_or_what_sets_off_a_window(watched, asked, profiled):
    loop, before = Loop(), hooks()
    end = by_setting(asked)
    loop.step(12)
    end()
    end()

    found = [f.evidence for f, _ in watched.found if f.rule == "profile.window"]
    assert [(evidence["step"], evidence["steps"]) for evidence in found] == profiled
    assert hooks() == before


def test_after_a_finding_that_the_setting_names_a_window_begins(watched):
    loop = Loop()
    end = by_setting("loss.*, timing.spikes")
    for rule in ("data.input_bound", "timing.spikes"):
        for listener in list(process.listeners):
            listener(slow(rule))
        loop.step(3)
    end()

    assert [f.evidence["step"] for f, _ in watched.found if f.rule == "profile.window"] == [4]
