"""The four kinds of non-finite values are told apart in real programs, with the place where each began."""

import math
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from otel_mldebug.instrument.budget import Budget  # noqa: E402
from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.steps.recorder import StepRecorder  # noqa: E402

BAD_STEP = 7


class Net(nn.Module):
    """Three layers, and a hook for a fault between the second and the third."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(6, 16)
        self.fc2 = nn.Linear(16, 16)
        self.head = nn.Linear(16, 3)
        self.fault: Callable[[Any], Any] | None = None

    def forward(self, x: Any) -> Any:
        h = self.fc2(torch.relu(self.fc1(x)))
        if self.fault is not None:
            h = self.fault(h)
        return self.head(torch.relu(h))


def train(before: Callable[[int, Net, Any, Any], None], *, steps: int = 10, lr: float = 0.05) -> Net:
    """Train; `before(step, net, x, y)` is called for each batch before the forward pass."""
    net = Net()
    opt = torch.optim.SGD(net.parameters(), lr)
    batches = DataLoader(TensorDataset(torch.randn(96, 6), torch.randint(0, 3, (96,))), batch_size=8)
    for step, (x, y) in zip(range(steps), batches, strict=False):
        before(step, net, x, y)
        opt.zero_grad()
        F.cross_entropy(net(x), y).backward()
        opt.step()
    return net


def poison_weight(step: int, net: Net, x: Any, y: Any) -> None:
    if step == BAD_STEP:
        with torch.no_grad():
            net.fc2.weight[3, 4] = math.nan


def poison_input(step: int, net: Net, x: Any, y: Any) -> None:
    if step == BAD_STEP:
        x[1, 2] = math.inf


def at_bad_step(fault: Callable[[Any], Any]) -> Callable[[int, Net, Any, Any], None]:
    def before(step: int, net: Net, x: Any, y: Any) -> None:
        net.fault = fault if step == BAD_STEP else None

    return before


def test_a_bad_weight_is_named(watched):
    train(poison_weight)

    [(finding, where)] = watched.found
    assert (finding.rule, where) == ("loss.nonfinite", {"step": 7, "epoch": 0, "layer": "fc2.weight"})
    assert finding.evidence["kind"] == "weight"
    assert (finding.evidence["bad"], finding.evidence["looked_at"]) == (1, 6)
    assert finding.evidence["losses_before"] == tuple(s.loss for s in watched.steps[2:7])
    assert len(finding.solutions) >= 2
    assert finding.prevention
    assert finding.confidence >= 0.9


def test_a_bad_input_is_named(watched):
    train(poison_input)

    [(finding, where)] = watched.found
    assert (finding.rule, where) == ("loss.nonfinite", {"step": 7, "epoch": 0, "layer": "batch[0]"})
    assert finding.evidence["kind"] == "input"
    assert finding.evidence["infinite"] == 1


@pytest.mark.parametrize(
    ("fault", "operation"),
    [
        pytest.param(torch.log, "Log", id="logarithm of negative numbers"),
        pytest.param(lambda h: (h - 3).sqrt(), "Sqrt", id="root of negative numbers"),
        pytest.param(lambda h: h / (h * 0), "Div", id="division by zero"),
        pytest.param(lambda h: (h * 1e3).exp(), "Exp", id="exponential that overflows"),
        pytest.param(lambda h: h.masked_fill(h < 1e9, -math.inf).softmax(-1), "Softmax", id="row masked out"),
        pytest.param(lambda h: (h / 5).masked_fill(h < 1e9, -math.inf).softmax(-1), "Softmax", id="scaled row"),
        pytest.param(lambda h: (h - 9) ** 0.5, "Pow", id="root by power"),
        pytest.param(lambda h: h * (h.abs() * 1e38) * 1e38, "Mul", id="product that overflows"),
        pytest.param(torch.acos, "Acos", id="arc cosine outside of its domain"),
    ],
)
def test_a_forward_operation_is_named_with_the_layers_around_it(watched, fault, operation):
    train(at_bad_step(lambda h: fault(h * 5)))

    [(finding, where)] = watched.found
    assert (finding.rule, where["step"], where["layer"]) == ("loss.nonfinite", 7, "fc2")
    told = {key: finding.evidence[key] for key in ("kind", "operation", "after", "before")}
    assert told == {"kind": "forward operation", "operation": operation, "after": "fc2", "before": "head"}


def test_an_operation_of_a_layer_itself_is_named_with_the_layer(watched):
    def overflow(step: int, net: Net, x: Any, y: Any) -> None:
        if step == BAD_STEP:
            with torch.no_grad():
                net.fc1.weight.fill_(1e25)
                net.fc2.weight.fill_(1e25)
            x.fill_(1.0)

    train(overflow)

    [(finding, where)] = watched.found
    assert (finding.evidence["kind"], where["layer"]) == ("forward operation", "fc2")
    assert finding.evidence["operation"] == "Addmm"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda h: h + ((h - h.detach()) ** 2).sqrt(), id="root at zero"),
        pytest.param(lambda h: h + torch.where(h > 1e9, h / (h - h.detach()), h), id="branch that is not taken"),
    ],
)
def test_a_backward_operation_is_placed_between_the_last_good_and_the_first_bad_gradient(watched, fault):
    train(at_bad_step(fault))

    [(finding, where)] = watched.found
    assert (finding.rule, where) == ("gradient.nonfinite", {"step": 7, "epoch": 0, "layer": "fc2"})
    told = {key: finding.evidence[key] for key in ("kind", "after", "before", "bad", "looked_at")}
    assert told == {"kind": "backward operation", "after": "fc2", "before": "head", "bad": 4, "looked_at": 6}
    assert finding.evidence["tensors"] == ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_a_bad_gradient_that_nobody_looked_at_is_told_from_the_weights_that_it_has_spoilt(seen, optimizer):
    pytorch.install(torch, recorder=StepRecorder(budget=Budget(0.0)))  # no looks at gradients at all
    net = Net()
    opt = optimizer(net.parameters(), 0.01)
    for step in range(5):
        net.fault = (lambda h: h + ((h - h.detach()) ** 2).sqrt()) if step == 2 else None
        opt.zero_grad()
        F.cross_entropy(net(torch.randn(8, 6)), torch.randint(0, 3, (8,))).backward()
        opt.step()
    pytorch.uninstall()

    [(finding, where)] = seen.found
    assert (finding.rule, where["step"], where["layer"]) == ("loss.nonfinite", 3, "fc2")
    told = {key: finding.evidence[key] for key in ("kind", "after", "before", "bad", "looked_at")}
    assert told == {"kind": "backward operation", "after": "fc2", "before": "head", "bad": 4, "looked_at": 6}
    assert "the backward pass of step 2 between fc2 and head" in finding.summary


def test_when_every_gradient_is_bad_no_layer_is_blamed(watched):
    net = Net()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for step in range(4):
        out = net(torch.randn(8, 6))
        loss = ((out - out.detach()) ** 2).sum().sqrt() if step == 2 else out.mean()
        loss.backward()
        opt.step()

    [(finding, where)] = watched.found
    assert (finding.rule, where["step"], where["layer"]) == ("gradient.nonfinite", 2, "")
    assert finding.evidence["after"] == "head"
    assert "after head" in finding.summary


def test_weights_that_an_update_made_bad_are_not_blamed_on_one_layer(watched):
    net = Net()
    opt = torch.optim.SGD(net.parameters(), math.inf)
    for _ in range(3):
        F.cross_entropy(net(torch.randn(8, 6)), torch.randint(0, 3, (8,))).backward()
        opt.step()

    [(finding, where)] = watched.found
    assert (finding.rule, where["step"], where["layer"]) == ("loss.nonfinite", 1, "")
    assert finding.evidence["kind"] == "weight"
    assert "update" in finding.summary


def test_a_target_that_is_not_finite_is_input(watched):
    net = Net()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for step in range(4):
        target = torch.zeros(8, 3)
        if step == 2:
            target[0, 0] = math.nan
        F.mse_loss(net(torch.randn(8, 6)), target).backward()
        opt.step()

    [(finding, where)] = watched.found
    assert (finding.evidence["kind"], where["step"]) == ("input", 2)


def test_masks_of_minus_infinity_are_not_blamed(watched):
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    head = nn.Linear(8, 1)
    opt = torch.optim.SGD([*attention.parameters(), *head.parameters()], 0.1)
    mask = torch.full((5, 5), -math.inf).triu(1)
    for step in range(6):
        x = torch.randn(2, 5, 8)
        out, _ = attention(x, x, x, attn_mask=mask, need_weights=step % 2 == 0)
        out = head(out)
        ((out - 1e6).log() if step == 4 else out).mean().backward()
        opt.step()

    [(finding, where)] = watched.found
    assert (finding.evidence["operation"], where["step"]) == ("Log", 4)


def test_a_buffer_that_is_not_finite_is_a_bad_weight(watched):
    net = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    net[1].eval()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for step in range(4):
        if step == 2:
            net[1].running_mean[0] = math.nan
        net(torch.randn(8, 6)).mean().backward()
        opt.step()

    [(finding, where)] = watched.found
    assert (finding.evidence["kind"], where["layer"]) == ("weight", "1.running_mean")


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_checkpointed_blocks_are_not_run_again_by_us(watched):
    from torch.utils.checkpoint import checkpoint

    net, runs = Net(), []
    opt = torch.optim.SGD(net.parameters(), 0.1)

    def block(x: Any) -> Any:
        runs.append(1)
        return torch.log(net(x) - 1e6)

    checkpoint(block, torch.randn(8, 6), use_reentrant=False).mean().backward()
    opt.step()

    assert len(runs) == 2, "once forward, once by backward"
    [(finding, _)] = watched.found
    assert finding.rule == "loss.nonfinite"


def test_trouble_that_goes_on_is_reported_once_and_again_after_it_was_over(watched):
    net = Net()
    opt = torch.optim.SGD(net.parameters(), 0.0)
    for step in range(70):
        x = torch.randn(8, 6)
        if step in (10, 11, 12, 60):
            x[0, 0] = math.nan
        net.zero_grad()
        F.cross_entropy(net(x), torch.zeros(8, dtype=torch.long)).backward()
        for p in net.parameters():
            p.grad.nan_to_num_()
        opt.step()

    assert [where["step"] for found, where in watched.found if found.rule == "loss.nonfinite"] == [10, 60]


def test_what_an_optimizer_that_is_gone_was_told_of_is_not_told_again_at_the_end(watched):
    train(poison_weight, steps=12)  # net and optimizer go away while the loss is still NaN
    pytorch.uninstall()

    assert [finding.rule for finding, _ in watched.found] == ["loss.nonfinite"]
