"""Steps that a program marks itself: with no framework at all, and around what PyTorch's hooks see."""

import math
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.instrument.budget import Budget
from otel_mldebug.instrument.training import progress
from otel_mldebug.instrument.training.explicit import current, recorder
from otel_mldebug.instrument.training.steps import numbers
from otel_mldebug.instrument.training.steps.recorder import StepRecorder
from tests.instrument.training.conftest import Memory

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(seen: Memory) -> Iterator[Clock]:
    """A recorder of nobody's but the program's, with a clock of the test's."""
    clock = Clock()
    progress.follow(StepRecorder(clock=clock, budget=Budget(1000.0)), None)
    yield clock
    progress.follow(None, None)


class Array:
    """As one of JAX is: computed by and by."""

    def __init__(self, value: float, *, ready: bool = False) -> None:
        self.value, self.done = value, ready

    def is_ready(self) -> bool:
        return self.done

    def __float__(self) -> float:
        assert self.done, "waited for the device"
        return self.value


class Odd:
    def __float__(self) -> float:
        raise RuntimeError("an odd one")


def test_a_loop_without_a_framework_gives_records_with_phases(seen, clock):
    marks = recorder("sgd")
    for number in range(2):
        clock.now += 5.0  # nothing of a step's
        with marks.step(samples=8, learning_rate=0.5) as step:
            with step.phase("data"):
                clock.now += 1.0
            for _ in range(2):
                with step.phase("forward"):
                    clock.now += 2.0
            clock.now += 0.5
            step.set(loss=1.0 - number, epoch=number, gradient_norm=3)

    assert [s.index for s in seen.steps] == [0, 1]
    record = seen.steps[1]
    assert (record.loss, record.gradient_norm, record.learning_rate, record.samples, record.epoch) == (
        0.0,
        3.0,
        0.5,
        8,
        1,
    )
    assert (record.duration_s, record.data_s, record.forward_s, record.backward_s) == (5.5, 1.0, 4.0, None)
    assert (record.optimizer, record.backward_calls, record.skipped) == ("sgd", 0, False)


def test_a_step_around_an_optimizer_is_one_step_with_what_hooks_saw_and_what_was_given(watched):
    net = torch.nn.Linear(3, 1)
    opt = torch.optim.SGD(net.parameters(), 0.25)
    for number in range(3):
        with recorder().step(epoch=7) as step:
            for _ in range(2):  # gradient accumulation
                net(torch.randn(4, 3)).square().mean().backward()
            opt.step()
            opt.zero_grad()
            step.set(loss=torch.tensor(float(number)))

    assert [(s.index, s.loss, s.epoch, s.optimizer, s.backward_calls) for s in watched.steps] == [
        (0, 0.0, 7, "SGD", 2),
        (1, 1.0, 7, "SGD", 2),
        (2, 2.0, 7, "SGD", 2),
    ]
    assert all(s.gradient_norm and s.backward_s and s.optimizer_s and s.learning_rate == 0.25 for s in watched.steps)


def test_without_a_loss_of_its_own_a_step_has_the_objective_of_backward(watched):
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    opt = torch.optim.SGD([weight], 0.0)
    with recorder().step():
        (weight * 3).sum().backward()
        opt.step()

    assert [(s.loss, s.gradient_norm) for s in watched.steps] == [(6.0, 3.0)]


def test_two_optimizers_in_one_step_are_one_step_with_the_norm_of_all_gradients(watched):
    a, b = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    first, second = torch.optim.SGD([a], 0.1), torch.optim.Adam([b], 0.1)
    for _ in range(2):
        with recorder().step():
            a.grad = b.grad = None
            (3 * a).sum().backward()
            first.step()
            (4 * b).sum().backward()
            second.step()

    assert [(s.index, s.optimizer, s.gradient_norm) for s in watched.steps] == [(0, "Adam", 5.0), (1, "Adam", 5.0)]


def test_steps_inside_and_outside_of_blocks_are_numbered_on(watched):
    net = torch.nn.Linear(3, 1)
    opt = torch.optim.SGD(net.parameters(), 0.25)

    def train() -> None:
        net(torch.ones(4, 3)).mean().backward()
        opt.step()

    train()
    with recorder().step():
        train()
    with recorder().step(loss=1.0):
        pass
    train()

    assert [(s.index, s.optimizer) for s in watched.steps] == [(0, "SGD"), (1, "SGD"), (2, ""), (3, "SGD")]


def test_a_step_around_a_scaler_that_skips_is_one_skipped_step(watched):
    weight = torch.nn.Parameter(torch.ones(1))
    opt = torch.optim.SGD([weight], 0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for factor in (1.0, math.inf, 1.0):
        with recorder().step(loss=1.0):
            opt.zero_grad()
            scaler.scale((weight * factor).sum()).backward()
            scaler.step(opt)
            scaler.update()

    assert [(s.index, s.skipped) for s in watched.steps] == [(0, False), (1, True), (2, False)]


def test_the_wait_for_a_batch_before_the_block_belongs_to_the_step(watched):
    data = torch.utils.data.TensorDataset(torch.zeros(6, 1))
    for _ in torch.utils.data.DataLoader(data, batch_size=3):
        with recorder().step(loss=0.5):
            pass

    assert [(s.index, s.samples, s.epoch) for s in watched.steps] == [(0, 3, 0), (1, 3, 0)]
    assert all(0 < s.data_s <= s.duration_s for s in watched.steps)


def test_a_step_that_raises_is_none_and_the_exception_passes(watched):
    weight = torch.nn.Parameter(torch.ones(1))
    opt = torch.optim.SGD([weight], 0.1)
    problem = ValueError("no")

    def fail() -> None:
        with recorder().step(loss=1.0):
            weight.sum().backward()
            opt.step()
            raise problem

    with pytest.raises(ValueError, match="no") as caught:
        fail()
    with recorder().step(loss=2.0):
        pass

    assert caught.value is problem
    assert [(s.index, s.loss) for s in watched.steps] == [(0, 2.0)]


def test_a_step_inside_another_one_is_a_part_of_it(seen, clock):
    with recorder().step(loss=1.0), recorder().step(loss=2.0):
        clock.now += 1.0

    assert [(s.index, s.loss, s.duration_s) for s in seen.steps] == [(0, 1.0, 1.0)]


def test_threads_have_steps_of_their_own(seen, clock):
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        with recorder("other").step(loss=1.0):
            inside.set()
            assert done.wait(30)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(30)
    with recorder("here").step(loss=2.0):
        pass
    done.set()
    thread.join()

    assert [(s.index, s.optimizer, s.loss) for s in seen.steps] == [(0, "here", 2.0), (1, "other", 1.0)]


def test_a_value_that_a_device_still_computes_is_read_once_it_is_there(seen, clock):
    slow = Array(0.25)
    with recorder().step(loss=slow, gradient_norm=2.0):
        pass
    with recorder().step(loss=Array(0.125, ready=True)):
        pass
    assert seen.steps == []  # records come in order
    slow.done = True
    with recorder().step(loss=1):
        pass

    assert [(s.index, s.loss, s.gradient_norm) for s in seen.steps] == [
        (0, 0.25, 2.0),
        (1, 0.125, None),
        (2, 1.0, None),
    ]


def test_a_loss_that_is_not_finite_is_found_without_a_framework(seen, clock):
    for loss in (1.0, 0.5, math.nan):
        with recorder().step(loss=loss):
            pass

    assert [(f.rule, w["step"]) for f, w in seen.found] == [("loss.nonfinite", 2)]


@pytest.mark.parametrize(
    "value",
    [torch.zeros(3), torch.zeros((), device="meta"), "high", Odd(), object(), [1.0], torch.empty(0)],
    ids=["vector", "meta", "text", "raises", "object", "list", "empty"],
)
def test_what_is_not_a_number_is_left_out_and_said_once(seen, clock, caplog, value):
    numbers.forget()
    for _ in range(2):
        with recorder().step(loss=value, samples=value):
            pass

    assert [(s.loss, s.samples) for s in seen.steps] == [(None, None)] * 2
    assert [r.getMessage().split(" given")[0] for r in caplog.records] == ["the loss", "the samples"]


@given(st.one_of(st.none(), st.floats(), st.integers(), st.booleans(), st.complex_numbers(), st.text(), st.binary()))
def test_whatever_is_given_is_one_number_or_none(value):
    assert isinstance(numbers.number(value, "loss"), (float, type(None)))


def test_parts_of_forward_and_backward_are_phases_beside_them(seen, clock):
    for _ in range(2):
        with recorder().step() as step:
            for name, seconds in (("copy", 1.0), ("forward", 2.0), ("loss", 3.0), ("backward", 4.0), ("sync", 5.0)):
                with step.phase(name):
                    clock.now += seconds

    record = seen.steps[1]
    assert (record.forward_s, record.copy_s, record.loss_s, record.backward_s, record.sync_s) == (
        6.0,
        1.0,
        3.0,
        9.0,
        5.0,
    )
    phases = current().cells[""].phases()
    assert {str(phase): seconds for phase, seconds in phases.items()} == {
        "data": 0.0, "copy": 1.0, "forward": 8.0, "loss": 3.0,
        "backward": 13.0, "sync": 5.0, "optimizer": 0.0, "other": 0.0,
    }  # fmt: skip


def test_a_phase_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="there are data, copy, forward, loss, backward, sync, opt"):
        recorder().step().phase("evaluation")


def test_hooks_that_come_later_go_on_with_the_recorder_in_use(seen):
    from otel_mldebug.instrument.training.hooks import pytorch

    ours: Any = current()
    pytorch.install(torch)
    try:
        assert pytorch.installation().recorder is ours
    finally:
        pytorch.uninstall()
    assert progress.recorder() is None
