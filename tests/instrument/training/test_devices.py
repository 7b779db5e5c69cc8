"""Numbers on a GPU: read late, never waited for, in order. The GPU is a fake: no test machine has one for sure."""

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from otel_mldebug.instrument.budget import Budget  # noqa: E402
from otel_mldebug.instrument.training.devices.pinned import SLOTS, CudaCopier, Devices  # noqa: E402
from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.steps.recorder import StepRecorder  # noqa: E402


class Gpu:
    """Copies arrive when `arrive` says so."""

    def __init__(self) -> None:
        self.copies: list[FakeCopy] = []
        self.full = False

    def copy(self, vector: Any) -> Any:
        if self.full:
            return None
        self.copies.append(FakeCopy(vector.tolist()))
        return self.copies[-1]

    def arrive(self, number: int | None = None) -> None:
        for copy in self.copies[:number]:
            copy.here = True


class FakeCopy:
    def __init__(self, vector: list[float]) -> None:
        self.vector = vector
        self.here = False

    def ready(self) -> bool:
        return self.here

    def values(self) -> list[float]:
        assert self.here, "read before it has arrived"
        return self.vector


@pytest.fixture
def gpu(seen: Any) -> Iterator[Gpu]:
    """Everything that a CPU computes lives on a GPU now."""
    fake = Gpu()
    devices = Devices(torch, copiers={"cpu": fake}, direct=lambda _: False)
    torch.manual_seed(0)
    pytorch.install(torch, recorder=StepRecorder(budget=Budget(1000.0)), devices=devices)
    yield fake
    pytorch.uninstall()


def train(steps: int, *, net: Any = None, before: Any = lambda step, net, x: None) -> list[float]:
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)) if net is None else net
    opt = torch.optim.SGD(net.parameters(), 0.1)
    losses = []
    for step, (x,) in zip(range(steps), DataLoader(TensorDataset(torch.randn(80, 4)), batch_size=8), strict=False):
        before(step, net, x)
        opt.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses


def test_steps_wait_for_their_numbers_in_order(gpu, seen):
    losses = train(4)
    assert seen.steps == []

    gpu.arrive()
    losses += train(1)
    assert [s.loss for s in seen.steps] == pytest.approx(losses[:4])
    assert all(s.gradient_norm > 0 for s in seen.steps)
    assert [s.index for s in seen.steps] == [0, 1, 2, 3]


def test_what_has_not_arrived_at_the_end_is_left_out(gpu, seen):
    train(3)
    gpu.arrive(4)  # of two steps, and of the looks into them
    pytorch.uninstall()

    assert [s.index for s in seen.steps] == [0, 1, 2]
    assert [s.loss is None for s in seen.steps] == [False, False, True]


def test_without_a_free_buffer_the_step_goes_on_without_numbers(gpu, seen):
    gpu.full = True
    train(3)

    assert [(s.loss, s.gradient_norm) for s in seen.steps] == [(None, None)] * 3


def poison_weight(step: int, net: Any, x: Any) -> None:
    if step == 2:
        with torch.no_grad():
            net[2].weight[0, 0] = math.nan


def poison_input(step: int, net: Any, x: Any) -> None:
    if step == 2:
        x[0, 0] = math.nan


class Log(nn.Module):
    def forward(self, x: Any) -> Any:
        return torch.log(x - 1e6)


def poison_forward(step: int, net: Any, x: Any) -> None:
    if step == 2:
        net.append(Log())


class Root(nn.Module):
    def forward(self, x: Any) -> Any:
        return x + (x - x.detach()).square().sqrt()


def poison_backward(step: int, net: Any, x: Any) -> None:
    if step == 2:
        net[1] = Root()


@pytest.mark.parametrize(
    ("fault", "rule", "kind", "layer"),
    [
        (poison_weight, "loss.nonfinite", "weight", "2.weight"),
        (poison_input, "loss.nonfinite", "input", "batch[0]"),
        (poison_forward, "loss.nonfinite", "forward operation", ""),
        (poison_backward, "gradient.nonfinite", "backward operation", "0"),
    ],
)
def test_the_four_kinds_are_told_apart_from_what_was_sent_for_in_time(gpu, seen, monkeypatch, fault, rule, kind, layer):
    train(4, before=fault)
    assert seen.found == []
    gpu.arrive()
    # The batch is on the host, as with a real GPU.
    pytorch.uninstall()

    [(finding, where)] = seen.found
    assert (finding.rule, finding.evidence["kind"]) == (rule, kind)
    assert (where["step"], where["layer"]) == (2, layer)


class FakeEvent:
    passed = False

    def record(self) -> None:
        self.recorded = True

    def query(self) -> bool:
        return FakeEvent.passed


def fake_torch(*, capturing: bool = False) -> Any:
    def empty(width: int, *, dtype: Any, pin_memory: bool) -> Any:
        assert pin_memory
        return torch.empty(width, dtype=dtype)

    cuda = SimpleNamespace(Event=FakeEvent, is_current_stream_capturing=lambda: capturing)
    return SimpleNamespace(empty=empty, float32=torch.float32, cuda=cuda)


def test_a_copy_is_ready_when_its_event_has_passed_and_then_frees_its_buffer(monkeypatch):
    copier = CudaCopier(fake_torch())
    monkeypatch.setattr(FakeEvent, "passed", False)
    copy = copier.copy(torch.tensor([1.0, 2.0, 3.0]))
    assert not copy.ready()
    monkeypatch.setattr(FakeEvent, "passed", True)
    assert copy.ready()
    assert copy.values() == [1.0, 2.0, 3.0]

    under_way = [copier.copy(torch.zeros(3)) for _ in range(SLOTS)]
    assert all(under_way)
    assert copier.copy(torch.zeros(3)) is None
    under_way[0].values()
    assert copier.copy(torch.zeros(3)) is not None


def test_nothing_is_launched_while_a_graph_is_captured():
    assert CudaCopier(fake_torch(capturing=True)).copy(torch.zeros(3)) is None
    devices = Devices(fake_torch(capturing=True))
    assert not devices.watchable(SimpleNamespace(device=SimpleNamespace(type="cuda")))


def test_devices_that_nobody_can_read_from_are_left_alone():
    devices = Devices(torch)
    assert not devices.watchable(torch.zeros(1, device="meta"))
    assert devices.send([]) is None
    assert devices.send([torch.zeros(())]) is None, "the CPU is read directly"
