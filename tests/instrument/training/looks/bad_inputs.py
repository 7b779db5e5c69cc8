"""Small trainings, three steps each, with everything in them that could make a look go wrong."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint


def train(net: Any, loss: Callable[[], Any], opt: Any = None) -> None:
    opt = opt or torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(3):
        opt.zero_grad()
        loss().backward()
        opt.step()


def mlp() -> Any:
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))


def sparse() -> None:
    net, x = nn.Embedding(1000, 8, sparse=True), torch.randint(0, 1000, (4, 5))
    train(net, lambda: net(x).square().mean())


def complex_numbers() -> None:
    weight = nn.Parameter(torch.randn(4, 4, dtype=torch.complex64))
    train(None, lambda: (weight @ weight).abs().sum(), torch.optim.SGD([weight], 0.1))


def double() -> None:
    net, x = mlp().double(), torch.randn(5, 3).double()
    train(net, lambda: net(x).square().mean())


def bfloat16() -> None:
    net, x = mlp().bfloat16(), torch.randn(5, 3).bfloat16()
    train(net, lambda: net(x).square().mean())


def meta() -> None:
    net, x = nn.Linear(3, 2, device="meta"), torch.randn(5, 3, device="meta")
    train(net, lambda: net(x).square().mean())


def empty() -> None:
    weight = nn.Parameter(torch.empty(0, 2))
    train(None, lambda: (torch.empty(5, 0) @ weight).square().mean(), torch.optim.SGD([weight], 0.1))


def tied() -> None:
    embed, out, x = nn.Embedding(10, 4), nn.Linear(4, 10, bias=False), torch.randint(0, 10, (3, 4))
    out.weight = embed.weight
    net = nn.ModuleList([embed, out])
    train(net, lambda: F.cross_entropy(out(embed(x)).flatten(0, 1), x.flatten()))


def accumulated() -> None:
    net = mlp()

    def loss() -> Any:
        for _ in range(6):
            net(torch.randn(4, 3)).square().mean().backward()
        return net(torch.randn(4, 3)).square().mean()

    train(net, loss)


def checkpointed() -> None:
    net, x = mlp(), torch.randn(5, 3, requires_grad=True)
    train(net, lambda: checkpoint(net, x, use_reentrant=True).square().mean())


def checkpointed_anew() -> None:
    net, x = mlp(), torch.randn(5, 3)
    train(net, lambda: checkpoint(net, x, use_reentrant=False).square().mean())


def saved_behind_hooks() -> None:
    net, x = mlp(), torch.randn(5, 3)

    def loss() -> Any:
        with torch.autograd.graph.save_on_cpu():
            return net(x).square().mean()

    train(net, loss)


class Passing(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def under_a_mode() -> None:
    net, x = mlp(), torch.randn(5, 3)
    with Passing():
        train(net, lambda: net(x).square().mean())


class Own(torch.Tensor):
    pass


def own_tensors() -> None:
    net, x = mlp(), torch.randn(5, 3).as_subclass(Own)
    train(net, lambda: net(x).square().mean())


def recurrent() -> None:
    net, x = nn.GRU(3, 4, batch_first=True), torch.randn(5, 20, 3)
    train(net, lambda: net(x)[0].square().mean())


def attention() -> None:
    net, x = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), torch.randn(5, 6, 8)
    train(net, lambda: net(x).square().mean())


def channels_last() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 80, 3))
    net, x = net.to(memory_format=torch.channels_last), torch.randn(4, 3, 16, 16)
    train(net, lambda: net(x).square().mean())


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * 2


def own_function() -> None:
    net, x = mlp(), torch.randn(5, 3)
    train(net, lambda: Doubled.apply(net(x)).square().mean())


def not_a_number() -> None:
    net, x = mlp(), torch.full((5, 3), torch.nan)
    train(net, lambda: net(x).square().mean())


def several_roots() -> None:
    net, opt = mlp(), None
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(3):
        opt.zero_grad()
        torch.autograd.backward([net(torch.randn(2, 3)).sum(), net(torch.randn(2, 3)).mean()])
        out = net(torch.randn(5, 3))
        out.backward(torch.ones_like(out))
        opt.step()


def twice() -> None:
    net, x = mlp(), torch.randn(5, 3)

    def loss() -> Any:
        found = net(x).square().mean()
        found.backward(retain_graph=True)
        return found

    train(net, loss)


def changed_in_place() -> None:
    net = mlp()

    def loss() -> Any:
        x = torch.randn(5, 3)
        found = net(x).square().mean()
        return found.mul_(2.0)

    train(net, loss)


def many_operations() -> None:
    weight = nn.Parameter(torch.ones(3))

    def loss() -> Any:
        x = torch.ones(3)
        for _ in range(1500):
            x = torch.tanh(x * weight)
        return x.sum()

    train(None, loss, torch.optim.SGD([weight], 0.1))


def aot() -> None:
    net, x = torch.compile(mlp(), backend="aot_eager", fullgraph=True), torch.randn(5, 3)
    train(net, lambda: net(x).square().mean())


PROGRAMS = (
    sparse, complex_numbers, double, bfloat16, meta, empty, tied, accumulated, checkpointed, checkpointed_anew,
    saved_behind_hooks, under_a_mode, own_tensors, recurrent, attention, channels_last, own_function, not_a_number,
    several_roots, twice, changed_in_place, many_operations, aot,
)  # fmt: skip
