"""What a look says of small models whose numbers can be worked out by hand."""

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from otel_mldebug.rules.looks import Layer, Operation, Parameter, Part, Stats  # noqa: E402


def same(size: int, value: float) -> Stats:
    """Return the statistics of `size` elements of one value."""
    return Stats(
        size=size, norm=pytest.approx(math.sqrt(size) * abs(value)), mean=value, std=0.0, low=value, high=value
    )


def linear() -> Any:
    """Return a layer from 2 to 1 whose weights are 1 and 2 and whose bias is 3."""
    net = nn.Linear(2, 1)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[1.0, 2.0]]))
        net.bias.fill_(3.0)
    return net


def train(net: Any, loss: Any, opt: Any, steps: int = 1) -> None:
    for _ in range(steps):
        opt.zero_grad()
        loss().backward()
        opt.step()


def test_a_look_at_a_linear_regression_is_what_one_works_out_by_hand(every):
    net = nn.Sequential(linear())
    x, y = torch.tensor([[1.0, 1.0], [2.0, 0.0]]), torch.tensor([[5.0], [5.0]])  # predictions 6 and 5, loss 0.5
    train(net, lambda: F.mse_loss(net(x), y), torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=0.01))

    (look,) = every.looks
    assert (look.step, look.optimizer, look.optimizer_kind, look.loss) == (0, "SGD", "SGD", 0.5)
    assert (look.backward_calls, look.stale, look.scale, look.autocast, look.complete) == (1, None, None, "", True)
    assert look.layers == (Layer(name="Sequential", kind="Sequential", root=True),)
    weight, bias = look.parameters
    assert weight == Parameter(
        name="0.weight",
        layer="0",
        module="Linear",
        shape=(1, 2),
        dtype="float32",
        reached=True,
        weight=Stats(size=2, norm=pytest.approx(5**0.5), mean=1.5, std=0.5, low=1.0, high=2.0),
        gradient=Stats(size=2, norm=pytest.approx(2**0.5), mean=1.0, std=0.0, low=1.0, high=1.0),
        update_ratio=pytest.approx(0.1 * math.hypot(1.01, 1.02) / 5**0.5, rel=1e-4),
        decay=0.01,
        learning_rate=0.1,
        momentum=0.9,
    )
    assert (bias.gradient, bias.update_ratio) == (one(1.0), pytest.approx(0.1 * 1.03 / 3.0, rel=1e-4))
    assert look.operations == (
        Operation(
            kind="Addmm",
            layer="0",
            shape=(2, 1),
            output=Stats(size=2, norm=pytest.approx(61**0.5), mean=5.5, std=0.5, low=5.0, high=6.0),
            operand=Stats(
                size=4, norm=pytest.approx(6**0.5), mean=1.0, std=pytest.approx(0.5**0.5), low=0.0, high=2.0, zero=0.25
            ),
            operands=((2, 2),),
            settings={"alpha": 1, "beta": 1},
        ),
        Operation(
            kind="MseLoss",
            layer="0",
            inputs=(0,),
            operand=Stats(size=2, norm=pytest.approx(61**0.5), mean=5.5, std=0.5, low=5.0, high=6.0),
            operands=((2, 1), (2, 1)),
            settings={"reduction": 1},
        ),
    )


def test_a_batch_is_told_by_its_place_and_what_it_is_for(every):
    net = nn.Sequential(linear())
    x, y = torch.tensor([[1.0, 1.0], [2.0, 0.0], [1.0, 1.0]]), torch.tensor([[5.0], [5.0], [5.0]])
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for left, right in DataLoader(TensorDataset(x, y), batch_size=3):
        train(net, lambda left=left, right=right: F.mse_loss(net(left), right), opt, 2)

    first, second = every.looks
    image, target = first.parts
    assert image == Part(
        place="batch[0]",
        role="input",
        shape=(3, 2),
        dtype="float32",
        stats=image.stats,
        digest=image.digest,
        features=pytest.approx(((2 / 9) ** 0.5, (2 / 9) ** 0.5)),
        repeated=pytest.approx(1 / 3),
    )
    assert (target.place, target.role, target.stats, target.features) == (
        "batch[1]",
        "target",
        same(3, 5.0),
        (0.0, 0.0),
    )
    assert [part.digest for part in second.parts if part.place == "batch[0]"] in ([], [image.digest])


def test_what_comes_from_no_loader_is_found_in_the_graph(every):
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    x, y = torch.rand(6, 3), torch.tensor([0, 1, 0, 1, 1, 1])
    train(net, lambda: F.cross_entropy(net(x), y), torch.optim.SGD(net.parameters(), 0.1))

    (look,) = every.looks
    assert [(p.place, p.role, p.shape, p.dtype) for p in look.parts] == [
        ("Addmm", "input", (6, 3), "float32"),
        ("NllLoss", "target", (6,), "int64"),
    ]
    assert look.parts[1].stats is not None
    assert (look.parts[1].stats.low, look.parts[1].stats.high) == (0.0, 1.0)


def test_operations_are_in_forward_order_and_know_their_layers(every):
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, x: Any) -> Any:
            return x * self.scale * 2

    net = nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(0.2), nn.Linear(4, 4), Twice(), nn.Softmax(-1))
    train(net, lambda: net(torch.rand(6, 3)).sum(), torch.optim.SGD(net.parameters(), 0.1))

    operations = every.looks[0].operations
    assert [(o.kind, o.layer, o.inputs) for o in operations] == [
        ("Addmm", "0", ()),
        ("LeakyRelu", "0", (0,)),
        ("Addmm", "2", (1,)),
        ("Mul", "3", (2,)),
        ("Mul", "3", (3,)),
        ("Softmax", "3", (4,)),
        ("Sum", "3", (5,)),
    ]
    assert operations[1].settings == {"negative_slope": 0.2}
    assert operations[5].settings == {"dim": -1}


def test_dead_and_saturated_units_are_counted(every):
    net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2), nn.Tanh())
    with torch.no_grad():
        net[0].weight.zero_()
        net[0].bias.copy_(torch.tensor([-1.0, 2.0, -3.0, -0.5]))
        net[2].weight.zero_()
        net[2].bias.copy_(torch.tensor([5.0, 0.5]))
    train(net, lambda: net(torch.rand(10, 2)).sum(), torch.optim.SGD(net.parameters(), 0.1))

    relu, tanh = (o for o in every.looks[0].operations if o.kind in ("Relu", "Tanh"))
    assert (relu.units, relu.dead, relu.saturated) == (4, 0.75, None)
    assert (tanh.units, tanh.dead, tanh.saturated) == (2, None, 0.5)


def test_with_a_handful_of_samples_nothing_is_said_of_dead_units(every):
    net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    train(net, lambda: net(torch.rand(7, 2)).sum(), torch.optim.SGD(net.parameters(), 0.1))

    assert [o.dead for o in every.looks[0].operations] == [None] * 4


def test_modes_are_those_of_the_forward_pass(every):
    net = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.3), nn.BatchNorm1d(4))
    net[1].eval()
    train(net, lambda: net(torch.rand(10, 2)).sum(), torch.optim.SGD(net.parameters(), 0.1))

    assert every.looks[0].layers == (
        Layer(name="Sequential", kind="Sequential", root=True),
        Layer(name="1", kind="Dropout", training=False, settings={"p": 0.3}),
        Layer(
            name="2",
            kind="BatchNorm1d",
            settings={"eps": 1e-5, "momentum": 0.1, "track_running_stats": True, "affine": True, "num_features": 4},
        ),
    )


def test_every_parameter_of_the_model_is_there_with_what_becomes_of_it(every):
    net = nn.ModuleDict({"frozen": nn.Linear(2, 2), "used": nn.Linear(2, 2), "left": nn.Linear(2, 2)})
    net["frozen"].requires_grad_(False)
    loose = nn.Parameter(torch.ones(2))
    opt = torch.optim.SGD([*net["used"].parameters(), loose], 0.1)
    train(net, lambda: (net["used"](net["frozen"](torch.rand(3, 2))) * loose).sum(), opt, 2)

    first, second = every.looks
    assert {p.name: (p.trainable, p.optimized, p.reached, p.gradient is not None) for p in first.parameters} == {
        "frozen.weight": (False, False, False, False),
        "frozen.bias": (False, False, False, False),
        "used.weight": (True, True, True, True),
        "used.bias": (True, True, True, True),
        "left.weight": (True, False, False, False),
        "left.bias": (True, False, False, False),
        "#2 of SGD (2)": (True, True, True, True),
    }
    assert {p.changed for p in first.parameters} == {None}
    moved = {"used.weight", "used.bias", "#2 of SGD (2)"}
    assert {p.name for p in second.parameters if p.changed} == moved
    assert {p.name for p in second.parameters if p.changed is False} == {
        "frozen.weight", "frozen.bias", "left.weight", "left.bias",
    }  # fmt: skip
    assert {p.name for p in second.parameters if p.update_ratio is not None} == {
        "used.weight",
        "used.bias",
        "#2 of SGD (2)",
    }


def test_gradients_that_are_never_set_to_zero_are_stale(every):
    net = nn.Sequential(nn.Linear(2, 2))
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for clear in (True, False, True):
        if clear:
            opt.zero_grad(set_to_none=False)
        net(torch.rand(3, 2)).sum().backward()
        opt.step()

    assert [look.stale for look in every.looks] == [None, True, False]


def one(value: float) -> Stats:
    """Return the statistics of a single element."""
    return same(1, value)
