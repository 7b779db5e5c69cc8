"""Every kind of training loop gives one record for each optimizer step, without a change of its code."""

import gc
import weakref
from itertools import pairwise
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402


def model(width: int = 8) -> Any:
    return nn.Sequential(nn.Linear(4, width), nn.Tanh(), nn.Linear(width, 2))


def loader(n: int = 12, batch: int = 4, **options: Any) -> Any:
    return DataLoader(TensorDataset(torch.randn(n, 4), torch.randint(0, 2, (n,))), batch_size=batch, **options)


def loss_of(net: Any, x: Any = None, y: Any = None) -> Any:
    x = torch.randn(4, 4) if x is None else x
    y = torch.randint(0, 2, (len(x),)) if y is None else y
    return nn.functional.cross_entropy(net(x), y)


def test_a_plain_loop_gives_loss_norm_rate_samples_epochs_and_phases(watched):
    net = model()
    opt = torch.optim.SGD(net.parameters(), 0.5)
    losses, norms = [], []
    for _ in range(2):
        for x, y in loader():
            opt.zero_grad()
            loss = loss_of(net, x, y)
            loss.backward()
            losses.append(loss.item())
            norms.append(torch.stack([p.grad.norm() for p in net.parameters()]).norm().item())
            opt.step()

    steps = watched.steps
    assert [s.index for s in steps] == [0, 1, 2, 3, 4, 5]
    assert [s.loss for s in steps] == losses
    assert [s.gradient_norm for s in steps] == pytest.approx(norms, rel=1e-5)
    assert [s.samples for s in steps] == [4] * 6
    assert [s.epoch for s in steps] == [0, 0, 0, 0, 0, 0]  # a new loader each time: its first pass
    assert {(s.learning_rate, s.optimizer, s.backward_calls, s.skipped) for s in steps} == {(0.5, "SGD", 1, False)}
    for step in steps:
        phases = (step.data_s, step.forward_s, step.backward_s, step.optimizer_s)
        assert all(p is not None and p > 0 for p in phases)
        assert sum(phases) <= step.duration_s
    assert watched.rules() == []


def test_the_same_loader_used_again_is_the_next_epoch(watched):
    net = model()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    batches = loader()
    for _ in range(3):
        for x, y in batches:
            opt.zero_grad()
            loss_of(net, x, y).backward()
            opt.step()

    assert [s.epoch for s in watched.steps] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_taking_the_first_batch_of_a_new_pass_each_time_is_not_an_epoch_each(watched):
    net = model()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    batches = loader()
    for _ in range(3):
        x, y = next(iter(batches))
        loss_of(net, x, y).backward()
        opt.step()

    assert [s.epoch for s in watched.steps] == [0, 0, 0]


def test_accumulated_gradients_are_one_step_with_the_sum_of_the_objectives(watched):
    net = model()
    opt = torch.optim.AdamW(net.parameters(), 0.1)
    expected = []
    for i, (x, y) in enumerate(loader(16)):
        loss = loss_of(net, x, y) / 2
        loss.backward()
        expected.append(loss.item())
        if i % 2:
            opt.step()
            opt.zero_grad()

    assert [(s.backward_calls, s.samples) for s in watched.steps] == [(2, 8), (2, 8)]
    assert [s.loss for s in watched.steps] == pytest.approx([sum(expected[:2]), sum(expected[2:])])


def test_two_optimizers_that_each_have_a_backward_have_an_objective_each(watched):
    generator, critic = model(), model()
    opt_g, opt_d = torch.optim.Adam(generator.parameters()), torch.optim.Adam(critic.parameters())
    expected = []
    for _ in range(3):
        for net, opt in ((critic, opt_d), (generator, opt_g)):
            opt.zero_grad()
            loss = loss_of(net)
            loss.backward()
            opt.step()
            expected.append(loss.item())

    assert [s.optimizer for s in watched.steps] == ["Adam", "Adam#2"] * 3
    assert [s.index for s in watched.steps] == [0, 1, 2, 3, 4, 5]
    assert [s.loss for s in watched.steps] == expected
    assert watched.facts["models"] == ["Sequential", "Sequential"]


def test_two_optimizers_after_one_backward_share_the_step(watched):
    net = model()
    opts = [torch.optim.SGD(net[0].parameters(), 0.1), torch.optim.Adam(net[2].parameters())]
    for _ in range(2):
        loss = loss_of(net)
        loss.backward()
        for opt in opts:
            opt.step()
            opt.zero_grad()

    assert [(s.index, s.optimizer, s.backward_calls) for s in watched.steps] == [
        (0, "SGD", 1),
        (0, "Adam", 0),
        (1, "SGD", 1),
        (1, "Adam", 0),
    ]
    assert [a.loss == b.loss for a, b in pairwise(watched.steps)] == [True, False, True]


def test_a_closure_is_one_step_with_several_backward_calls(watched):
    net = model()
    opt = torch.optim.LBFGS(net.parameters(), max_iter=4)
    x, y = torch.randn(8, 4), torch.randint(0, 2, (8,))
    calls = []

    def closure() -> Any:
        opt.zero_grad()
        loss = loss_of(net, x, y)
        loss.backward()
        calls.append(loss.item())
        return loss

    opt.step(closure)
    first = len(calls)
    opt.step(closure)

    assert [s.backward_calls for s in watched.steps] == [first, len(calls) - first]
    assert watched.steps[0].loss == pytest.approx(calls[0]), "of the first call: where the step started"
    assert all(s.gradient_norm is not None and s.gradient_norm > 0 for s in watched.steps)
    assert all(s.forward_s + s.backward_s + s.optimizer_s <= s.duration_s for s in watched.steps)


def test_without_a_loader_there_is_no_data_wait_and_no_sample_count(watched):
    net = model()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(3):
        loss_of(net).backward()
        opt.step()

    assert [(s.data_s, s.samples, s.epoch) for s in watched.steps] == [(None, None, None)] * 3


def test_without_an_optimizer_each_backward_is_a_step(watched):
    gc.collect()  # optimizers of other tests would be taken for the program's
    weight = torch.randn(3, requires_grad=True)
    for _ in range(3):
        (weight**2).sum().backward()
        with torch.no_grad():
            weight -= 0.1 * weight.grad
            weight.grad = None

    assert [(s.index, s.optimizer, s.backward_calls) for s in watched.steps] == [(0, "", 1), (1, "", 1), (2, "", 1)]
    assert watched.steps[2].loss < watched.steps[0].loss


def test_an_optimizer_that_never_steps_counts_for_nothing_in_the_end(watched, monkeypatch):
    monkeypatch.setattr("otel_mldebug.instrument.training.hooks.watch.PATIENCE", 3)
    weight = torch.randn(3, requires_grad=True)
    torch.optim.SGD([weight], 0.1)
    for _ in range(6):
        (weight**2).sum().backward()

    assert [(s.index, s.optimizer) for s in watched.steps] == [(0, ""), (1, ""), (2, ""), (3, "")]
    assert watched.facts["optimizers"] == []


def test_a_program_that_never_steps_does_not_collect_its_batches(watched):
    net = model()
    torch.optim.SGD(net.parameters(), 0.1)
    kept = []
    for x, y in loader():
        kept.append(weakref.ref(x))
        loss_of(net, x, y).backward()
    del x, y

    assert sum(ref() is not None for ref in kept) <= 1
    assert watched.steps == []


def test_evaluation_in_between_is_no_step_and_no_sample(watched):
    net = model()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    train, test = loader(8), loader(40)
    for _ in range(2):
        for x, y in train:
            opt.zero_grad()
            loss_of(net, x, y).backward()
            opt.step()
        with torch.no_grad():
            for x, _y in test:
                net(x)
        with torch.inference_mode():
            net(torch.randn(2, 4))

    assert [(s.samples, s.epoch) for s in watched.steps] == [(4, 0), (4, 0), (4, 1), (4, 1)]
    assert len(watched.steps) == 4


def test_an_optimizer_that_wraps_another_is_one_step(watched):
    class Slow(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            return super().step(closure)

    net = model()
    torch.optim.SGD(net.parameters(), 0.1)  # has SGD.step hooked, too
    opt = Slow(net.parameters(), 0.1)
    for _ in range(3):
        loss_of(net).backward()
        opt.step()

    assert [(s.index, s.optimizer) for s in watched.steps] == [(0, "Slow"), (1, "Slow"), (2, "Slow")]


def test_an_exception_in_a_step_passes_and_the_next_step_counts(watched):
    class Stumbling(torch.optim.SGD):
        stumble = True

        def step(self, closure: Any = None) -> Any:
            if self.stumble:
                raise ValueError("stumbled")
            return super().step(closure)

    net = model()
    opt = Stumbling(net.parameters(), 0.1)
    loss_of(net).backward()
    with pytest.raises(ValueError, match="stumbled"):
        opt.step()
    opt.stumble = False
    for _ in range(2):
        loss_of(net).backward()
        opt.step()

    assert [s.index for s in watched.steps] == [0, 1]


def test_what_is_watched_is_told_at_the_first_step(watched):
    net = model()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    loss_of(net).backward()
    opt.step()

    assert watched.facts == {
        "torch": torch.__version__,
        "optimizers": ["SGD"],
        "parameters": 58,
        "models": ["Sequential"],
        "device": "cpu",
    }
