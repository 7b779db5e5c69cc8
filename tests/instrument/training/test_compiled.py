"""Compiled models: no recompilation, no graph break, the same steps."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402


def net() -> Any:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))


def count(run: Callable[[], None]) -> tuple[int, int]:
    """Return how many graphs were compiled and how many breaks they had."""
    from torch._dynamo.utils import counters

    torch._dynamo.reset()
    counters.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own, about what it traces
        run()
    return counters["stats"]["unique_graphs"], sum(counters["graph_break"].values())


def train_model(fullgraph: bool, steps: int = 12) -> list[float]:
    model = net()
    compiled = torch.compile(model, backend="eager", fullgraph=fullgraph)
    opt = torch.optim.AdamW(model.parameters(), 0.01)
    losses = []
    for i in range(steps):
        x = torch.full((6, 4), float(i))
        opt.zero_grad()
        loss = nn.functional.cross_entropy(compiled(x), torch.zeros(6, dtype=torch.long))
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses


def train_whole_step(steps: int = 12) -> None:
    model = net()
    opt = torch.optim.SGD(model.parameters(), 0.01)

    def step(x: Any) -> Any:
        opt.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        opt.step()
        return loss.detach()

    compiled = torch.compile(step, backend="eager")
    for _ in range(steps):
        compiled(torch.randn(6, 4))


def train_compiled_optimizer(steps: int = 12) -> None:
    model = net()
    opt = torch.optim.SGD(model.parameters(), 0.01)
    compiled = torch.compile(opt.step, backend="eager")
    for _ in range(steps):
        model(torch.randn(6, 4)).square().mean().backward()
        compiled()


@pytest.mark.parametrize("fullgraph", [False, True])
def test_a_compiled_model_is_compiled_once_and_every_step_is_seen(watched, fullgraph):
    losses: list[float] = []
    assert count(lambda: losses.extend(train_model(fullgraph))) == (1, 0)

    assert [s.loss for s in watched.steps] == losses
    assert all(s.gradient_norm is not None for s in watched.steps)
    assert watched.facts["models"] == ["Sequential"]


@pytest.mark.parametrize("train", [train_whole_step, train_compiled_optimizer])
def test_a_compiled_step_is_as_many_graphs_with_us_as_without(seen, train):
    graphs, _ = count(train)
    pytorch.install(torch)
    try:
        assert count(train)[0] == graphs
    finally:
        pytorch.uninstall()

    assert len(seen.steps) == 12
    assert all(s.loss is not None for s in seen.steps)


def test_a_bad_weight_of_a_compiled_model_is_named(watched):
    model = net()
    compiled = torch.compile(model, backend="aot_eager")
    opt = torch.optim.SGD(model.parameters(), 0.01)
    for step in range(4):
        if step == 2:
            with torch.no_grad():
                model[2].bias[0] = float("nan")
        compiled(torch.randn(6, 4)).mean().backward()
        opt.step()

    [(finding, where)] = watched.found
    assert (finding.evidence["kind"], where) == ("weight", {"step": 2, "epoch": None, "layer": "2.bias"})


def test_a_bad_operation_inside_a_compiled_graph_is_called_that(watched):
    model = net()
    opt = torch.optim.SGD(model.parameters(), 0.01)

    def forward(x: Any, shift: Any) -> Any:
        return torch.log(model(x) + shift)

    compiled = torch.compile(forward, backend="aot_eager")
    for step in range(4):
        compiled(torch.randn(6, 4), torch.tensor(-1e6 if step == 2 else 1e3)).mean().backward()
        opt.step()

    [(finding, where)] = watched.found
    assert (finding.evidence["kind"], where["step"]) == ("forward operation", 2)
    assert finding.confidence < 0.9
    assert "compiled" in finding.summary
