"""What programs do with scalers, checkpoints, plain tensors and several losses."""

import gc
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.steps.saves import Saves  # noqa: E402
from tests.instrument.training.programs import mlp  # noqa: E402


def scaled(step: Any, *, steps: int = 6) -> None:
    net = mlp(4, 8, 2)
    optimizer, scaler = torch.optim.SGD(net.parameters(), 1e-9), torch.amp.GradScaler("cpu")
    for _ in range(steps):
        optimizer.zero_grad()
        scaler.scale(net(torch.randn(8, 4)).square().mean()).backward()
        step(scaler, optimizer)


def by_hand(scaler: Any, optimizer: Any) -> None:
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad.div_(scaler.get_scale())
    optimizer.step()


def unscaled(scaler: Any, optimizer: Any) -> None:
    scaler.unscale_(optimizer)
    optimizer.step()
    scaler.update()


def test_an_optimizer_that_steps_past_the_scaler_is_a_finding(watched):
    scaled(lambda scaler, optimizer: optimizer.step())

    assert watched.rules() == ["gradient.never_unscaled"]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(lambda scaler, optimizer: (scaler.step(optimizer), scaler.update()), id="the scaler steps"),
        pytest.param(unscaled, id="unscaled before"),
        pytest.param(by_hand, id="divided by hand"),
        pytest.param(lambda scaler, optimizer: None, id="accumulated for long"),
    ],
)
def test_gradients_that_are_unscaled_in_time(watched, step):
    scaled(step)

    assert watched.rules() == []


def test_a_checkpoint_whose_names_begin_differently_is_a_finding(watched):
    net = mlp(4, 8, 2)
    net.load_state_dict({f"module.{name}": value for name, value in net.state_dict().items()}, strict=False)

    assert watched.rules() == ["checkpoint.nothing_loaded"]


def test_a_checkpoint_that_fits_in_part_is_left_alone(watched):
    net = mlp(4, 8, 2)
    state = {name: value for name, value in net.state_dict().items() if name.startswith("0.")}
    missing = net.load_state_dict(state, strict=False).missing_keys

    assert (missing, watched.rules()) == (["2.weight", "2.bias"], [])


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.value, self.kind = nn.Linear(8, 16), nn.Linear(16, 1), nn.Linear(16, 3)
        self.shift = torch.randn(1, 16)

    def forward(self, x: Any) -> Any:
        hidden = torch.relu(self.body(x) + self.shift)
        return self.value(hidden).squeeze(1), self.kind(hidden)


def train(net: Any, *, both: bool, steps: int = 80) -> None:
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    if net.shift.requires_grad and both:
        optimizer.add_param_group({"params": [net.shift]})
    for _ in range(steps):
        x = torch.randn(16, 8)
        value, kind = net(x)
        regression, classification = F.mse_loss(value, x[:, 0]), F.cross_entropy(kind, (x[:, 1] > 0).long())
        optimizer.zero_grad()
        (regression + classification if both else regression).backward()
        optimizer.step()
    del net, optimizer
    gc.collect()
    pytorch.uninstall()  # what is judged at the end


@pytest.mark.parametrize(("both", "rules"), [(False, ["loss.left_out"]), (True, [])])
def test_a_loss_that_is_left_out_of_backward(watched, both, rules):
    train(Net(), both=both)

    assert [rule for rule in watched.rules() if rule != "parameter.unused"] == rules


@pytest.mark.parametrize(("held", "rules"), [(False, ["parameter.not_registered"]), (True, [])])
def test_a_plain_tensor_that_wants_gradients(watched, held, rules):
    net = Net()
    net.shift.requires_grad_()
    train(net, both=held)

    assert [rule for rule in watched.rules() if rule not in ("parameter.unused", "loss.left_out")] == rules


def test_checkpoints_are_timed_also_those_that_fail():
    times = iter((1.0, 1.5, 2.0, 2.25, 3.0, 3.0))
    saves = Saves(lambda: next(times))
    saves.saving(lambda: None)()
    with pytest.raises(OSError, match="full"):
        saves.saving(fails)()

    assert saves.take() == {"save_s": 0.75, "saved_by": "torch.save"}
    saves.saving(lambda: None)()
    assert saves.take() == {}


def fails() -> None:
    raise OSError("full")


def scheduled(mode: str, *, metric: Any = torch.Tensor.item) -> None:
    """Fit a line, and tell a schedule of the loss after every 5 steps."""
    net = torch.nn.Linear(4, 1)
    x = torch.randn(64, 4)
    y = x @ torch.randn(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), 0.02)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode=mode, factor=0.5, patience=1)
    for i in range(60):
        optimizer.zero_grad()
        loss = (net(x) - y).square().mean()
        loss.backward()
        optimizer.step()
        if i % 5 == 4:
            schedule.step(metric(loss))


@pytest.mark.parametrize("metric", [torch.Tensor.item, torch.Tensor.detach], ids=["a number", "a tensor"])
def test_a_schedule_that_watches_an_error_as_if_it_were_a_score_is_a_finding_told_once(watched, metric):
    scheduled("max", metric=metric)

    assert watched.rules() == ["learning_rate.wrong_mode"]
    finding, where = watched.found[0]
    assert where["step"] == finding.evidence["step"] == 14
    assert finding.evidence["mode"] == "max"


def test_a_schedule_that_watches_an_error_for_what_it_is(watched):
    scheduled("min")

    assert watched.rules() == []


def test_a_schedule_is_given_back_as_it_was(watched):
    pytorch.uninstall()

    assert torch.optim.lr_scheduler.ReduceLROnPlateau.step.__module__ == "torch.optim.lr_scheduler"
    assert not hasattr(torch.optim.lr_scheduler.ReduceLROnPlateau.step, "__wrapped__")
