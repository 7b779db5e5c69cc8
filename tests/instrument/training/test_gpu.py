"""The time of steps on a GPU and its utilisation. The GPU is a fake with a clock of its own."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from otel_mldebug.instrument.budget import Budget  # noqa: E402
from otel_mldebug.instrument.training.devices.gpu import EVERY, MOST_SEGMENTS, GpuTimer  # noqa: E402
from otel_mldebug.instrument.training.devices.pinned import Devices  # noqa: E402
from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.steps.cells import Cell  # noqa: E402
from otel_mldebug.instrument.training.steps.needs import Needs, needs  # noqa: E402
from otel_mldebug.instrument.training.steps.recorder import StepRecorder  # noqa: E402
from otel_mldebug.rules.steps import StepRecord  # noqa: E402
from tests.instrument.training.test_devices import Gpu, train  # noqa: E402


class Timeline:
    """Events are recorded one after the other, 10 ms apart, and pass when `reached` says so."""

    def __init__(self) -> None:
        self.now, self.reached, self.made, self.capturing = 0, 10**9, 0, False

    def event(self) -> "Event":
        self.made += 1
        return Event(self)

    def timer(self, _: Any = None) -> GpuTimer:
        return GpuTimer(self.event, lambda: self.capturing)


class Event:
    def __init__(self, timeline: Timeline) -> None:
        self.timeline, self.at = timeline, -1

    def record(self) -> None:
        self.timeline.now += 10
        self.at = self.timeline.now

    def query(self) -> bool:
        return self.at <= self.timeline.reached

    def elapsed_time(self, end: "Event") -> float:
        assert end.query(), "read before it has passed"
        return float(end.at - self.at)


def step(timer: GpuTimer, fetches: int = 1) -> Any:
    for _ in range(fetches):
        timer.fetch_begins()
        timer.fetch_ends()
    return timer.step_ends()


def test_stretches_between_fetches_are_summed_up_once_they_have_passed():
    timeline = Timeline()
    timed = step(timeline.timer(), fetches=3)

    timeline.reached = 50
    assert timed.seconds() is None
    timeline.reached = 60
    assert timed.seconds() == pytest.approx(0.03)


def test_every_few_steps_are_timed_with_the_same_events():
    timeline = Timeline()
    timer = timeline.timer()
    found = [spent.seconds() if (spent := step(timer)) else None for _ in range(2 * EVERY + 1)]

    assert found == [0.01, *[None] * (EVERY - 1)] * 2 + [0.01]
    assert timeline.made == 2


def test_steps_without_a_loader_or_with_too_many_batches_are_not_timed():
    timer = Timeline().timer()
    assert timer.step_ends() is None
    timer = Timeline().timer()
    assert step(timer, fetches=MOST_SEGMENTS + 1) is None


def test_nothing_is_recorded_while_a_graph_is_captured():
    timeline = Timeline()
    timeline.capturing = True
    assert step(timeline.timer()) is None
    assert timeline.made == 0


def test_without_cuda_there_is_no_timer():
    class Cuda:
        @staticmethod
        def is_initialized() -> bool:
            return False

    assert GpuTimer.of(SimpleNamespace(cuda=Cuda)) is None


@pytest.fixture
def timeline(seen: Any) -> Iterator[Timeline]:
    found, gpu = Timeline(), Gpu()
    torch.manual_seed(0)
    devices = Devices(torch, copiers={"cpu": gpu}, direct=lambda _: False, timer=found.timer)
    pytorch.install(torch, recorder=StepRecorder(budget=Budget(1000.0)), devices=devices)
    found.gpu = gpu
    yield found
    pytorch.uninstall()


def test_records_have_the_time_on_the_gpu_from_the_second_step_on(timeline, seen):
    train(10)
    timeline.gpu.arrive()
    pytorch.uninstall()

    assert [s.gpu_s for s in seen.steps] == [None, 0.01, None, None, None, 0.01, None, None, None, 0.01]


def test_times_that_have_not_passed_are_left_out(timeline, seen):
    train(3)
    timeline.gpu.arrive()
    timeline.reached = 0
    pytorch.uninstall()

    assert [(s.index, s.gpu_s) for s in seen.steps] == [(0, None), (1, None), (2, None)]


def test_on_the_cpu_no_step_is_timed(watched):
    train(6)
    assert [s.gpu_s for s in watched.steps] == [None] * 6
    assert pytorch.installation().recorder.tracks.track.gpu is None


def parameter(kind: str = "cuda", dtype: Any = torch.bfloat16) -> Any:
    return SimpleNamespace(device=torch.device(kind, 0), dtype=dtype, numel=lambda: 500)


def optimizer(*parameters: Any) -> Any:
    return SimpleNamespace(param_groups=[{"params": list(parameters)}])


FAKE = SimpleNamespace(cuda=SimpleNamespace(get_device_name=lambda device: "NVIDIA H200"))


def test_what_a_model_needs_is_known_when_all_of_it_is_on_one_kind_of_gpu():
    assert needs(FAKE, optimizer(parameter(), parameter())) == Needs(1000, "NVIDIA H200", "bfloat16")


@pytest.mark.parametrize(
    "parameters",
    [(), (parameter("cpu"),), (parameter(), parameter("cpu")), (parameter(), parameter(dtype=torch.float32))],
)
def test_else_it_is_not(parameters):
    assert needs(FAKE, optimizer(*parameters)) is None


def cell(dtype: str, tokens: int | None = 10_000, scale: float | None = None, shared: bool = False) -> Cell:
    found = Cell("Adam")
    found.needs = Needs(989_000_000, "NVIDIA H200", dtype)
    found.keep(StepRecord(index=0, time_ns=0, duration_s=0.1, tokens=tokens, scale=scale))
    found.window.shared = shared
    return found


def test_utilisation_of_an_optimizer_is_known_where_tokens_and_precision_are():
    assert cell("bfloat16").utilisation() == pytest.approx(0.6)
    assert cell("float32", scale=1024.0).utilisation() == pytest.approx(0.6)


@pytest.mark.parametrize(
    "unknown",
    [cell("float32"), cell("bfloat16", tokens=None), cell("bfloat16", shared=True), Cell("Adam")],
)
def test_and_absent_elsewhere(unknown):
    assert unknown.utilisation() is None
