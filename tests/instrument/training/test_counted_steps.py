"""Short steps, of which most are only counted: nothing is lost, and what is measured among them is right."""

import sys
import threading
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from otel_mldebug import _guard  # noqa: E402
from otel_mldebug.instrument.budget import Budget  # noqa: E402
from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.steps.recorder import StepRecorder  # noqa: E402

STEP_S = 1e-4


class Program:
    """Steps that take `STEP_S` each, by a clock of their own."""

    def __init__(self) -> None:
        self.now_s = 1.0
        self.recorder = StepRecorder(clock=lambda: self.now_s, budget=Budget(0.02), detectors=())
        self.net = torch.nn.Linear(4, 1)
        self.optimizer = torch.optim.SGD(self.net.parameters(), 1e-3)

    def step(self, optimizer: Any = None, scale: float = 1.0) -> None:
        inputs = torch.randn(16, 4)
        loss = scale * (self.net(inputs) - inputs.sum(1, keepdim=True) - torch.randn(16, 1)).square().mean()
        loss.backward()
        self.now_s += STEP_S
        (optimizer or self.optimizer).step()


@pytest.fixture
def program(seen):
    torch.manual_seed(0)
    made = Program()
    pytorch.install(torch, recorder=made.recorder)
    yield made
    pytorch.uninstall()


def test_every_step_is_counted_though_few_get_a_record(program, seen):
    for _ in range(1000):
        program.step()

    cell = program.recorder.cells["SGD"]
    assert (program.recorder.index, cell.steps) == (1000, 1000)
    assert len({record.index for record in seen.steps}) == len(seen.steps) < 400
    assert cell.duration_s + cell.unmeasured * STEP_S == pytest.approx(1000 * STEP_S)


def test_a_loss_that_is_not_a_number_gets_its_record_amid_counted_steps(program, seen):
    for _ in range(300):
        program.step()
    program.step(scale=float("nan"))

    assert seen.steps[-1].index == 300
    assert "loss.nonfinite" in seen.rules()


def test_the_first_step_of_another_optimizer_amid_counted_steps_takes_its_own_time_only(program, seen):
    for _ in range(300):
        program.step()
    assert program.recorder.cells["SGD"].unmeasured > 10

    program.step(torch.optim.Adam(program.net.parameters(), 1e-3))
    for _ in range(10):
        program.step()

    [first] = [record for record in seen.steps if record.optimizer == "Adam"]
    assert (first.index, first.duration_s) == (300, pytest.approx(STEP_S))
    assert program.recorder.index == 311
    assert program.recorder.cells["SGD"].steps == 310


def test_a_look_that_is_asked_for_amid_counted_steps_is_taken_at_the_next_one(program, seen):
    for _ in range(300):
        program.step()
    looks = len(seen.looks)
    installed = pytorch.installation()
    assert installed is not None
    installed.watch.looks.demand()
    program.step()

    assert [look.step for look in seen.looks[looks:]] == [300]
    assert program.recorder.index == 301


@pytest.mark.parametrize(
    "call",
    [
        lambda loss, weight: torch.autograd.backward(loss),
        lambda loss, weight: torch.autograd.backward(tensors=[loss], grad_tensors=[torch.ones(())]),
        lambda loss, weight: torch.autograd.backward(loss, None, True, False),
        lambda loss, weight: torch.autograd.backward(loss, inputs=[weight]),
        lambda loss, weight: loss.backward(inputs=weight),
    ],
)
def test_backward_is_passed_on_as_it_was_called(program, call):
    for _ in range(300):
        program.step()
    weight = program.net.weight
    program.optimizer.zero_grad()
    call(program.net(torch.ones(2, 4)).sum(), weight)

    assert weight.grad.tolist() == [[2.0, 2.0, 2.0, 2.0]]


def test_backward_refuses_what_pytorch_refuses(program):
    with pytest.raises(TypeError, match="surprise"):
        torch.autograd.backward(torch.ones((), requires_grad=True), surprise=1)


def test_a_fault_of_ours_in_a_counted_step_does_not_reach_the_program(program, seen, monkeypatch):
    monkeypatch.setattr(_guard, "strict", False)  # as it is for users
    for _ in range(300):
        program.step()
    track = program.recorder.tracks.track
    assert track.light is not None
    track.pending[1] = object()  # no batch at all
    program.step()

    assert program.recorder.index == 301


def hooks_after() -> int:
    return len(sys.modules["torch.optim.optimizer"]._global_optimizer_post_hooks)  # torch.optim hides it


def test_no_hook_is_called_after_steps_that_are_only_counted(program, seen):
    program.step()
    measured = hooks_after()
    for _ in range(299):
        program.step()
    counted = hooks_after()
    program.step(torch.optim.Adam(program.net.parameters(), 1e-3))

    assert (measured, counted, hooks_after()) == (1, 0, 1)
    pytorch.uninstall()
    assert hooks_after() == 0


class Outer(torch.optim.Optimizer):
    """An optimizer that steps another one, which has hooks of its own, once it is told to."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.wraps = inner, False
        super().__init__(inner.param_groups, {})

    def step(self, closure: Any = None) -> None:
        if self.wraps:
            self.inner.step()


@pytest.mark.parametrize("begins", [0, 300])
def test_an_optimizer_that_steps_within_another_one_is_not_counted_again(program, seen, begins):
    optimizer = Outer(program.optimizer)
    for number in range(600):
        optimizer.wraps = number >= begins
        program.step(optimizer)

    assert program.recorder.index == 600
    assert {name: cell.steps for name, cell in program.recorder.cells.items()} == {"Outer": 600}


def test_steps_of_another_thread_amid_counted_steps_are_all_counted(program, seen):
    for _ in range(300):
        program.step()
    net = torch.nn.Linear(4, 1)
    other = torch.optim.Adam(net.parameters(), 1e-3)

    def train() -> None:
        for _ in range(20):
            net(torch.ones(2, 4)).sum().backward()
            other.step()

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    for _ in range(20):
        program.step()

    assert {name: cell.steps for name, cell in program.recorder.cells.items()} == {"SGD": 320, "Adam": 20}
    assert program.recorder.index == 340
