"""What real programs with a fault show of their layers."""

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from otel_mldebug.instrument.budget import Budget
from otel_mldebug.instrument.training.hooks import pytorch
from otel_mldebug.instrument.training.steps.optimizers import Known
from otel_mldebug.instrument.training.steps.recorder import StepRecorder
from tests.instrument.training.classifying import STEPS, Halves, adam, data, train
from tests.instrument.training.conftest import Memory
from tests.instrument.training.programs import Program, mlp

pytestmark = pytest.mark.torch


def redrawn(net: Any, std: float) -> Any:
    for parameter in net.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, 0, std)
    return net


def sigmoids() -> None:
    net = nn.Sequential(*(m for _ in range(12) for m in (nn.Linear(8, 8), nn.Sigmoid())), nn.Linear(8, 3))
    train(net, torch.optim.SGD(net.parameters(), 0.1))


def dead_by_bias() -> None:
    net = mlp(8, 32, 32, 3)
    nn.init.constant_(net[2].bias, -50.0)
    train(net, adam(net))


def dead_by_steps() -> None:
    net = mlp(8, 32, 32, 3)
    x, y = data()
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    for step in range(STEPS):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        if step == 10:
            net[2].bias.grad.fill_(1e5)  # one bad batch
        optimizer.step()


def all_zero() -> None:
    net = mlp(8, 32, 32, 3)
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    train(net, adam(net))


def too_large() -> None:
    net = redrawn(mlp(8, 64, 64, 3), 5.0)
    train(net, adam(net))


def saturated() -> None:
    net = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 3))
    net[0].weight.data.mul_(1000)
    net[2].weight.data.mul_(0)
    x, _ = data()
    optimizer = torch.optim.SGD(net.parameters(), 1e-3)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.cross_entropy(net(x), torch.randint(0, 3, (512,))).backward()
        optimizer.step()


def head_forgotten() -> None:
    net = mlp(8, 32, 32, 3)
    train(net, adam(net[:4]))


def plain_list() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(8, 32), nn.Linear(32, 3)
            self.inner = [nn.Linear(32, 32)]

        def forward(self, x: Any) -> Any:
            return self.last(torch.relu(self.inner[0](torch.relu(self.first(x)))))

    net = Net()
    train(net, adam(net))


def head_replaced() -> None:
    net = mlp(8, 32, 3)
    optimizer = adam(net)
    net[2] = nn.Linear(32, 5)
    train(net, optimizer, classes=5)


def copied() -> None:
    net = mlp(8, 32, 3)
    train(copy.deepcopy(net), adam(net))


class Pooling(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.score, self.value, self.out = nn.Linear(4, 1), nn.Linear(4, 32), nn.Linear(32, 3)

    def forward(self, x: Any) -> Any:
        bag = x.unflatten(1, (2, 4))
        return self.out((self.score(bag).softmax(self.dim) * self.value(bag)).sum(1).relu())


def pooled_with_weights_of_one() -> None:
    net = Pooling(-1)
    train(net, adam(net))


def unfrozen_for_nobody() -> None:
    net = mlp(8, 32, 32, 3)
    net[2].requires_grad_(requires_grad=False)
    optimizer = torch.optim.Adam([*net[0].parameters(), *net[4].parameters()], 1e-3)
    x, y = data()
    for step in range(100):
        if step == 10:
            net[2].requires_grad_(requires_grad=True)
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


def detached() -> None:
    net = Halves(torch.detach)
    train(net, adam(net))


def rounded() -> None:
    net = Halves(torch.round)
    train(net, adam(net))


def cleared() -> None:
    net = mlp(8, 32, 3)
    train(net, adam(net), clear="after")


def never_cleared() -> None:
    net = mlp(8, 32, 3)
    train(net, adam(net), clear="never")


def rate_far_too_low() -> None:
    net = mlp(8, 32, 3)
    train(net, torch.optim.SGD(net.parameters(), 1e-7), steps=2 * STEPS)


def half() -> None:
    net = mlp(8, 32, 32, 3).half()
    optimizer = torch.optim.SGD(net.parameters(), 1e-2)
    x, y = data()
    for _ in range(STEPS):
        optimizer.zero_grad()
        (F.cross_entropy(net(x.half()), y) * 1e-6).backward()
        optimizer.step()


@pytest.mark.parametrize(
    ("program", "rule", "layer"),
    [
        (sigmoids, "gradient.vanishing", "0"),
        (dead_by_bias, "activation.dead", "2"),
        (dead_by_steps, "activation.dead", "2"),
        (all_zero, "init.constant", "0"),
        (too_large, "init.scale", "0"),
        (saturated, "activation.saturated", "0"),
        (head_forgotten, "parameter.not_in_optimizer", "4"),
        (plain_list, "parameter.not_in_optimizer", None),
        (head_replaced, "parameter.replaced", "2"),
        (copied, "parameter.replaced", None),
        (pooled_with_weights_of_one, "loss.softmax_dimension", "score"),
        (unfrozen_for_nobody, "parameter.not_in_optimizer", "2"),
        (detached, "parameter.detached", "body.0"),
        (rounded, "gradient.zero", "body.0"),
        (cleared, "gradient.cleared", "0"),
        (never_cleared, "gradient.not_zeroed", None),
        (rate_far_too_low, "learning_rate.too_low", None),
        (half, "precision.underflow", None),
    ],
)
def test_a_fault_of_layers_is_found(watched: Memory, program: Program, rule: str, layer: str | None) -> None:
    program()
    found = [finding for finding, _ in watched.found if finding.rule == rule]
    assert len(found) == 1
    if layer is not None:
        # With models of other tests still alive, the name says whose layer it is.
        assert found[0].evidence["layer"].removeprefix("Sequential.") == layer


def test_a_step_is_looked_into_once_many_gradients_are_missing(
    watched: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarms = []
    monkeypatch.setattr(Known, "alarm", lambda known: alarms.append(known.steps))
    net = mlp(8, 32, 32, 3)
    optimizer = torch.optim.SGD(net.parameters(), 1e-2)
    x, y = data()
    for step in range(12):
        if step == 8:
            net[0].requires_grad_(requires_grad=False)
            net[2].requires_grad_(requires_grad=False)
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()

    assert alarms == [8]
    assert [(f.rule, f.evidence["step"]) for f, _ in watched.found] == [("parameter.frozen_midway", 8)]


def test_an_optimizer_without_any_gradient_is_looked_into_when_the_allowance_for_first_steps_is_used_up(
    seen: Memory,
) -> None:
    torch.manual_seed(0)
    pytorch.install(torch, recorder=StepRecorder(budget=Budget(0.02)))
    installed = pytorch.installation()
    assert installed is not None
    installed.watch.optimizers.purse.first_s = 0.0
    train(mlp(8, 32, 3), adam(mlp(8, 32, 3)), steps=45, clear="never")
    pytorch.uninstall()

    assert [rule for rule in seen.rules() if rule.startswith("parameter.")] == ["parameter.replaced"]
