"""`output_shapes` and `clipping_clips`: what they let pass, what they name."""

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

from otel_mldebug.checks import ClippingDoesNotClip, WrongOutputShape, clipping_clips, output_shapes  # noqa: E402


class Shaped(nn.Module):
    """Puts out whatever a function makes of its input."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self.norm, self.make = nn.BatchNorm1d(4), make

    def forward(self, x: Any) -> Any:
        return self.make(self.norm(x))


def rows(size: int) -> Any:
    return torch.ones(size, 4)


def test_shapes_that_hold_pass_and_leave_the_model_as_it_was():
    net = Shaped(lambda x: x[:, :3])
    output_shapes(net, rows, expected=(None, 3))
    output_shapes(net, rows, expected=lambda size: (size, None))
    output_shapes(net, lambda size: {"x": rows(size)}, expected=(None, 3), batch_sizes=(2, 3), training=True)
    output_shapes(lambda a, b: {"out": a + b}, lambda size: (rows(size), rows(size)), expected=(None, 4))

    assert net.training
    assert int(net.norm.num_batches_tracked) == 0


@pytest.mark.parametrize(
    ("make", "lines"),
    [
        (lambda x: x.squeeze(), ["batch size 1: shape (4,), expected (1, 4)"]),
        (
            lambda x: x.mean(0, keepdim=True),
            ["batch size 4: shape (1, 4), expected (4, 4)", "batch size 8: shape (1, 4)"],
        ),
        (
            lambda x: x.view(4, 4),
            ["batch size 1: RuntimeError: shape '[4, 4]' is invalid", "batch size 8: RuntimeError"],
        ),
        (lambda x: "text", ["batch size 1: no tensor in its output, which is a str"]),
    ],
    ids=["squeezed", "averaged", "of a fixed size", "no tensor"],
)
def test_every_batch_size_that_fails_is_named(make, lines):
    with pytest.raises(WrongOutputShape) as caught:
        output_shapes(Shaped(make), rows, expected=(None, 4))

    assert str(caught.value).startswith("Outputs of Shaped for batch sizes [1, 4, 8]:")
    assert all(line in str(caught.value) for line in lines)


def test_what_a_model_raised_is_the_cause():
    with pytest.raises(WrongOutputShape) as caught:
        output_shapes(nn.Linear(3, 2), rows, expected=(None, 2))
    assert isinstance(caught.value.__cause__, RuntimeError)


def training(clip: Callable[[Any, Any], None], *, late: bool = False, scaler: Any = None) -> tuple[Any, Any]:
    net = nn.Linear(4, 2)
    opt = torch.optim.SGD(net.parameters(), 1e-9)

    def step() -> None:
        opt.zero_grad()
        loss = net(torch.ones(3, 4)).sum()
        (scaler.scale(loss) if scaler else loss).backward()
        if not late:
            clip(net, opt)
        if scaler:
            scaler.step(opt)
        else:
            opt.step()
        if late:
            clip(net, opt)

    return step, net


def by_norm(net: Any, _: Any) -> None:
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)


def test_clipping_that_clips_passes():
    clipping_clips(*training(by_norm), max_norm=1.0)
    clipping_clips(*training(lambda n, _: nn.utils.clip_grad_value_(n.parameters(), 0.5)), max_value=0.5)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)

    def unscaled(net: Any, opt: Any) -> None:
        scaler.unscale_(opt)
        by_norm(net, opt)

    clipping_clips(*training(unscaled, scaler=scaler), max_norm=1.0)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: training(lambda n, o: None), "The optimizer sees gradients of norm"),
        (lambda: training(by_norm, late=True), "Clip after backward and before optimizer.step"),
        (lambda: training(lambda n, o: nn.utils.clip_grad_norm_([n.bias], 1.0)), "weight: norm"),
        (
            lambda: training(by_norm, scaler=torch.amp.GradScaler("cpu", init_scale=1024.0)),
            "Call scaler.unscale_",
        ),
        (lambda: (lambda: None, nn.Linear(1, 1)), "No optimizer has used a gradient"),
    ],
    ids=["not at all", "too late", "one parameter only", "while scaled", "no optimizer"],
)
def test_clipping_that_does_not_clip_is_found(made, message):
    with pytest.raises(ClippingDoesNotClip, match=message):
        clipping_clips(*made(), max_norm=1.0)


def test_nothing_is_left_of_a_check_and_what_a_step_raises_passes():
    def fail() -> None:
        raise KeyError("mine")

    net = nn.Linear(1, 1)
    with pytest.raises(KeyError, match="mine"):
        clipping_clips(fail, net, max_norm=1.0)
    net(torch.ones(1, 1)).sum().backward()
    assert net.weight.grad.item() == 1.0
    with pytest.raises(ValueError, match="give max_norm or max_value"):
        clipping_clips(fail, net)
