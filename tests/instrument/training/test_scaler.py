"""Gradient scalers: the objective is the unscaled one, skipped steps are steps, and finding the scale is no fault."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402


def train(optimizer: Any, *, overflow_at: tuple[int, ...] = (), steps: int = 5, nan_at: int = -1) -> list[float]:
    torch.manual_seed(0)
    net = nn.Linear(4, 2)
    opt = optimizer(net.parameters())
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    losses = []
    for step in range(steps):
        opt.zero_grad()
        loss = net(torch.randn(8, 4)).square().mean() * (float("nan") if step == nan_at else 1.0)
        scaler.scale(loss).backward()
        if step in overflow_at:
            net.weight.grad[0, 0] = float("inf")
        scaler.step(opt)
        scaler.update()
        losses.append(loss.item())
    return losses


KINDS = [
    pytest.param(lambda p: torch.optim.SGD(p, 0.1), id="plain: the scaler does not call the optimizer"),
    pytest.param(lambda p: torch.optim.Adam(p, 0.1, fused=True), id="fused: the optimizer gets scaled gradients"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_objective_and_norm_are_unscaled_and_a_skipped_step_is_a_step(watched, kind):
    losses = train(kind, overflow_at=(0, 2))

    assert [s.loss for s in watched.steps] == losses
    assert [s.skipped for s in watched.steps] == [True, False, True, False, False]
    assert [s.index for s in watched.steps] == [0, 1, 2, 3, 4]
    norms = [s.gradient_norm for s in watched.steps if not s.skipped]
    assert all(0 < norm < 100 for norm in norms)
    assert watched.rules() == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_that_is_nan_before_scaling_is_a_finding(watched, kind):
    train(kind, nan_at=3)

    assert watched.rules() == ["loss.nonfinite"]
    assert watched.found[0][1]["step"] == 3


def test_a_scaler_that_skips_every_step_is_a_finding(watched):
    train(lambda p: torch.optim.SGD(p, 0.1), overflow_at=tuple(range(40)), steps=40)
    pytorch.uninstall()  # the last look

    assert len(watched.found) == 1  # steps and looks into them show the same trouble
    assert watched.rules()[0] in ("gradient.nonfinite", "amp.steps_skipped", "precision.scale_collapsed")


def test_a_scaler_that_is_switched_off_changes_nothing(watched):
    net = nn.Linear(4, 2)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    for _ in range(3):
        loss = net(torch.randn(8, 4)).mean()
        scaler.scale(loss).backward()
        scaler.step(opt)
        scaler.update()

    assert [(s.index, s.skipped) for s in watched.steps] == [(0, False), (1, False), (2, False)]
    assert watched.steps[-1].loss == loss.item()
