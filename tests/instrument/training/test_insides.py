"""What is inside of the time before backward: the copy to another device, the forward pass, the loss."""

import copy
import os
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn.modules import module as modules  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from otel_mldebug.instrument.budget import Budget  # noqa: E402
from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.hooks.insides import EVERY, FIRST  # noqa: E402
from otel_mldebug.instrument.training.steps.recorder import StepRecorder  # noqa: E402


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Slow(nn.Module):
    """A model whose forward pass takes 4 seconds."""

    def __init__(self, clock: Clock, device: str = "cpu") -> None:
        super().__init__()
        self._clock = [clock]
        self.inner = nn.Linear(4, 2, device=device)

    def forward(self, x: Any) -> Any:
        self._clock[0].now += 4.0
        return self.inner(x)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_clock": [Clock()]}


@pytest.fixture
def clock(seen: Any) -> Iterator[Clock]:
    found = Clock()
    torch.manual_seed(0)
    pytorch.install(torch, recorder=StepRecorder(clock=found, budget=Budget(1000.0)))
    yield found
    pytorch.uninstall()


def batches(steps: int) -> Any:
    return DataLoader(TensorDataset(torch.randn(8 * steps, 4)), batch_size=8)


def train(clock: Clock, net: Any, steps: int = 6, *, device: str = "cpu", middle: Any = lambda: None) -> None:
    opt = torch.optim.SGD(net.parameters(), 0.01)
    for (x,) in batches(steps):
        clock.now += 2.0
        x = x.to(device)
        out = net(x)
        middle()
        clock.now += 1.0
        loss = out.square().mean()
        opt.zero_grad()
        loss.backward()
        clock.now += 0.5
        opt.step()


def parts(seen: Any) -> list[tuple[float | None, ...]]:
    return [(s.forward_s, s.copy_s, s.loss_s) for s in seen.steps]


def hooked() -> int:
    return len(modules._global_forward_pre_hooks) + len(modules._global_forward_hooks)


def test_the_way_to_another_device_and_the_loss_are_told_from_the_forward_pass(clock, seen):
    train(clock, Slow(clock, "meta"), device="meta")

    assert parts(seen) == [(7.0, None, None), *[(7.0, 2.0, 1.0)] * FIRST, (7.0, None, None)]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(lambda net: None, 2.0, id="makes a batch"),
        pytest.param(lambda net: nn.ReLU()(torch.ones(1)), 2.0, id="prepares it by layers without weights"),
        pytest.param(lambda net: torch.no_grad()(net)(torch.ones(1, 4)), None, id="plays"),
    ],
)
def test_the_time_in_which_a_loop_makes_its_batches_is_told_from_the_forward_pass(clock, seen, before, expected):
    net = Slow(clock)
    opt = torch.optim.SGD(net.parameters(), 0.01)
    for _ in range(4):
        clock.now += 2.0
        before(net)
        opt.zero_grad()
        net(torch.ones(2, 4)).square().mean().backward()
        opt.step()

    assert [s.prepare_s for s in seen.steps] == [None, expected, expected, expected]


def test_what_a_program_does_with_a_batch_on_the_device_of_the_model_is_no_copy(clock, seen):
    train(clock, Slow(clock))

    assert parts(seen) == [(7.0, None, None), *[(7.0, None, 1.0)] * FIRST, (7.0, None, None)]


def test_later_steps_are_looked_into_now_and_then(clock, seen):
    train(clock, Slow(clock), 1 + FIRST + 3 * EVERY)

    assert [s.index for s in seen.steps if s.loss_s is not None] == [
        *range(1, 1 + FIRST),
        *(FIRST + EVERY * n for n in (1, 2, 3)),
    ]


def test_phases_are_taken_to_be_alike_in_all_steps(clock, seen):
    train(clock, Slow(clock, "meta"), 100, device="meta")

    phases = pytorch.installation().recorder.cells["SGD"].phases()
    known = {str(phase): round(seconds, 6) for phase, seconds in phases.items() if seconds}
    # the first two steps were over before anything was known of the parts
    assert known == {"copy": 196.0, "forward": 406.0, "loss": 98.0, "other": 50.0}


def test_between_steps_and_at_the_end_nothing_is_left_in_the_model_and_in_pytorch(clock, seen):
    net = Slow(clock)
    opt = torch.optim.SGD(net.parameters(), 0.01)
    during = []
    for (x,) in batches(4):
        opt.zero_grad()
        net.inner.register_forward_pre_hook(lambda *_: during.append(hooked()))
        net(x).square().mean().backward()
        opt.step()
        assert not net._forward_hooks
    assert set(during) == {0}, "layers inside of the model are called as ever"
    pytorch.uninstall()
    assert hooked() == 0


def test_accumulated_backward_calls_add_up(clock, seen):
    net, loader = Slow(clock, "meta"), batches(6)
    opt = torch.optim.SGD(net.parameters(), 0.01)
    for i, (x,) in enumerate(loader):
        clock.now += 2.0
        loss = net(x.to("meta")).mean()
        clock.now += 1.0
        loss.backward()
        if i % 2:
            opt.step()

    assert parts(seen) == [(14.0, None, None), (14.0, 4.0, 2.0), (14.0, 4.0, 2.0)]


def test_several_models_of_one_loss_are_one_forward_pass(clock, seen):
    encoder, decoder = Slow(clock), nn.Linear(2, 4)
    opt = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], 0.01)
    for (x,) in batches(3):
        code = encoder(x)
        clock.now += 8.0
        loss = nn.MSELoss()(decoder(code), x)
        clock.now += 1.0
        loss.backward()
        opt.step()

    assert parts(seen)[1:] == [(13.0, None, 1.0)] * 2


def test_a_step_with_an_evaluation_pass_in_it_is_left_alone(clock, seen):
    net = Slow(clock)
    opt = torch.optim.SGD(net.parameters(), 0.01)
    for (x,) in batches(3):
        opt.zero_grad()
        net(x).mean().backward()
        opt.step()
        with torch.no_grad():
            for _ in range(20):
                net(x)

    assert [s.loss_s for s in seen.steps] == [None, None, None]
    assert hooked() == 0


def test_a_forward_pass_that_raises_leaves_the_model_as_it_was(clock, seen):
    net = Slow(clock)
    opt = torch.optim.SGD(net.parameters(), 0.01)
    for number, (x,) in enumerate(batches(6)):
        opt.zero_grad()
        if number == 2:
            with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
                net(torch.randn(8, 3))
            assert pickle.loads(pickle.dumps(net))(x).shape == (8, 2)
            assert copy.deepcopy(net)(x).shape == (8, 2)
            continue
        net(x).mean().backward()
        opt.step()

    assert [s.loss_s is not None for s in seen.steps] == [False, True, True, True, True]
    pytorch.uninstall()
    assert not net._forward_hooks


def test_a_model_whose_output_is_the_loss_has_no_time_for_one(clock, seen):
    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Slow(clock)

        def forward(self, x: Any) -> Any:
            return self.inner(x).mean()

    net = Whole()
    opt = torch.optim.SGD(net.parameters(), 0.01)
    for (x,) in batches(3):
        net(x).backward()
        opt.step()

    assert parts(seen)[1:] == [(4.0, None, 0.0)] * 2


def test_a_program_without_modules_has_a_forward_pass_and_no_parts_of_it(clock, seen):
    weight = torch.zeros(4, requires_grad=True)
    opt = torch.optim.SGD([weight], 0.01)
    for (x,) in batches(3):
        clock.now += 1.0
        (x @ weight).mean().backward()
        opt.step()

    assert parts(seen) == [(1.0, None, None)] * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_has_no_hook_of_ours_in_pytorch(clock, seen):
    train(clock, Slow(clock), 2)
    assert hooked() == 1
    if (child := os.fork()) == 0:
        os._exit(hooked())
    assert os.waitpid(child, 0)[1] == 0


def test_other_threads_do_not_count(clock, seen):
    import threading

    other = Slow(clock)

    def elsewhere() -> None:
        thread = threading.Thread(target=other, args=(torch.randn(8, 4),))
        thread.start()
        thread.join()

    train(clock, Slow(clock), 4, middle=elsewhere)

    assert parts(seen)[1:] == [(11.0, None, 5.0)] * 3
    assert not other._forward_hooks
