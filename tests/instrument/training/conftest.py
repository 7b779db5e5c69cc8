"""A sink in memory, and PyTorch with our hooks in it for the length of one test."""

from collections.abc import Iterator
from typing import Any

import pytest

from otel_mldebug.instrument import sink
from otel_mldebug.instrument.budget import Budget
from otel_mldebug.instrument.training.debugging import profiling
from otel_mldebug.instrument.training.tensors.graph import Hooks
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord

torch = pytest.importorskip("torch")


class Memory(sink.NullSink):
    """Keeps everything."""

    def __init__(self) -> None:
        self.steps: list[StepRecord] = []
        self.looks: list[Look] = []
        self.found: list[tuple[Finding, dict[str, Any]]] = []
        self.facts: dict[str, Any] = {}

    def active(self) -> bool:
        return True

    def step(self, record: StepRecord) -> None:
        self.steps.append(record)

    def look(self, look: Look) -> None:
        self.looks.append(look)

    def finding(self, finding: Finding, **where: Any) -> None:
        self.found.append((finding, where))

    def watched(self, **facts: Any) -> None:
        self.facts.update(facts)

    def rules(self) -> list[str]:
        return [finding.rule for finding, _ in self.found]


@pytest.fixture(autouse=True)
def compiled_nothing_yet(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What earlier tests have compiled does not count: a program in a process of its own has compiled nothing yet."""
    if request.module.__name__.rpartition(".")[2] != "test_compiled":
        monkeypatch.setattr("otel_mldebug.instrument.training.hooks.compiler.used", lambda dynamo: False)


@pytest.fixture(autouse=True)
def saved_behind_no_hooks_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start anew: an older PyTorch cannot tell of one saved tensor whether it is behind hooks, only whether any are."""
    monkeypatch.setattr(Hooks, "used", False)


@pytest.fixture(autouse=True)
def profiled_nothing_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What earlier tests have profiled does not count: a process keeps few traces."""
    monkeypatch.setattr(profiling, "_windows", 0)


@pytest.fixture
def seen() -> Iterator[Memory]:
    memory = Memory()
    sink.install(memory)
    yield memory
    sink.install(None)


@pytest.fixture
def watched(seen: Memory) -> Iterator[Memory]:
    """What a test sees of the training that it does."""
    from otel_mldebug.instrument.training.hooks import pytorch
    from otel_mldebug.instrument.training.steps.recorder import StepRecorder

    torch.manual_seed(0)
    pytorch.install(torch, recorder=StepRecorder(budget=Budget(1000.0)))  # so rich that every step is looked at
    yield seen
    pytorch.uninstall()
