"""Healthy programs whose layers look as if something were wrong."""

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from otel_mldebug.rules.detectors.layers import FAMILIES
from tests.instrument.training.classifying import STEPS, Halves, adam, data, train
from tests.instrument.training.conftest import Memory
from tests.instrument.training.programs import Program, mlp

pytestmark = pytest.mark.torch


class Adapter(nn.Module):
    """A frozen layer with a low-rank update that starts at 0."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down, self.up = nn.Linear(layer.in_features, 4, bias=False), nn.Linear(4, layer.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Any) -> Any:
        return self.layer(x) + self.up(self.down(x))


class Branch(nn.Module):
    """A residual branch that starts at 0."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(32, 32), nn.Linear(32, 32)
        nn.init.zeros_(self.b.weight)

    def forward(self, x: Any) -> Any:
        return x + self.b(torch.relu(self.a(x)))


def adapters() -> None:
    net = mlp(8, 32, 32, 3)
    train(net, adam(net, 1e-2))
    net = nn.Sequential(*(Adapter(m) if isinstance(m, nn.Linear) else m for m in net))
    train(net, torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 1e-3))


def branches() -> None:
    net = nn.Sequential(nn.Linear(8, 32), *(Branch() for _ in range(4)), nn.Linear(32, 3))
    train(net, adam(net))


def frozen_body() -> None:
    net = Halves(torch.relu)
    net.body.requires_grad_(False)
    train(net, adam(net))


def head_of_a_trained_body() -> None:
    net = Halves(torch.relu)
    train(net, adam(net, 1e-2))
    net.head = nn.Linear(32, 3)
    train(net, adam(net.head))


def logistic_regression() -> None:
    net = nn.Linear(8, 3)
    nn.init.zeros_(net.weight)
    train(net, torch.optim.SGD(net.parameters(), 0.1))


def wide() -> None:
    net = mlp(8, 512, 512, 3)
    train(net, adam(net, 1e-2))


def warm_up() -> None:
    net = mlp(8, 32, 3)
    optimizer = adam(net)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 30))
    x, y = data()
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
        schedule.step()


def accumulation() -> None:
    net = mlp(8, 32, 3)
    optimizer = adam(net)
    x, y = data()
    for step in range(2 * STEPS):
        (F.cross_entropy(net(x), y) / 4).backward()
        if step % 4 == 3:
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)


def fine_tuning() -> None:
    net = mlp(8, 32, 3)
    train(net, adam(net, 1e-2))
    train(net, adam(net, 1e-6))


def target_network() -> None:
    net = mlp(4, 32, 2)
    target, optimizer = copy.deepcopy(net), adam(net)
    for _ in range(STEPS):
        x = torch.randn(32, 4)
        with torch.no_grad():
            wanted = (x[:, 0] > 0).float() + 0.9 * target(x).amax(1)
        optimizer.zero_grad()
        F.smooth_l1_loss(net(x)[:, 0], wanted).backward()
        optimizer.step()


@pytest.mark.parametrize(
    "program",
    [
        adapters, branches, frozen_body, head_of_a_trained_body, logistic_regression, wide, warm_up, accumulation,
        fine_tuning, target_network,
    ],
)  # fmt: skip
def test_a_healthy_program_is_left_alone(watched: Memory, program: Program) -> None:
    program()
    rules = {*FAMILIES, "gradient.not_zeroed"}
    assert [f.summary for f, _ in watched.found if f.rule in rules and f.severity != "info"] == []
