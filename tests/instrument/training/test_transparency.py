"""We are not there: results, objects, exceptions and PyTorch itself are as they would be without us."""

import copy
import io
import pickle
import sys
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.instrument.training.progress import context  # noqa: E402


def train(steps: int = 30) -> tuple[list[float], list[Any]]:
    """Return losses and weights of a training with dropout, shuffling, momentum and clipping."""
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))
    opt = torch.optim.AdamW(net.parameters(), 0.01)
    data = TensorDataset(torch.randn(80, 4), torch.randint(0, 2, (80,)))
    batches, losses = DataLoader(data, batch_size=8, shuffle=True), []
    while len(losses) < steps:
        for x, y in batches:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            losses.append(loss.item())
    return losses, [p.detach().clone() for p in net.state_dict().values()]


def surface() -> dict[str, Any]:
    """Return everything in PyTorch that we touch."""
    optimizers = sys.modules["torch.optim.optimizer"]
    modules = sys.modules["torch.nn.modules.module"]
    loader = torch.utils.data.dataloader
    return {
        "backward": torch.autograd.backward,
        "optimizer": torch.optim.Optimizer.__init__,
        "iter": loader.DataLoader.__iter__,
        "next": loader._BaseDataLoaderIter.__next__,
        "scale": torch.amp.GradScaler.scale,
        "scaled_step": torch.amp.GradScaler.step,
        "names": [sorted(vars(c)) for c in (torch.optim.Optimizer, loader.DataLoader, torch.amp.GradScaler)],
        "hooks": [
            dict(optimizers._global_optimizer_pre_hooks),
            dict(optimizers._global_optimizer_post_hooks),
            dict(modules._global_parameter_registration_hooks),
            dict(modules._global_module_registration_hooks),
        ],
    }


def test_losses_and_weights_are_equal_bit_by_bit(seen):
    bare_losses, bare_weights = train()
    pytorch.install(torch)
    try:
        losses, weights = train()
    finally:
        pytorch.uninstall()

    assert losses == bare_losses
    assert all(torch.equal(a, b) for a, b in zip(weights, bare_weights, strict=True))
    assert [s.loss for s in seen.steps] == losses


def test_a_model_of_one_weight_learns_the_same_too(seen):
    def learn() -> list[float]:
        weight = nn.Parameter(torch.arange(1.0, 9.0))
        opt = torch.optim.SGD([weight], 0.01)
        for _ in range(10):
            opt.zero_grad()
            (weight**2).sum().backward()
            opt.step()
        return weight.tolist()

    bare = learn()
    pytorch.install(torch)
    try:
        watched = learn()
    finally:
        pytorch.uninstall()

    assert watched == bare
    assert len(seen.looks) > 2


def test_uninstall_leaves_pytorch_as_it_was(seen):
    before = surface()
    pytorch.install(torch)
    train(3)
    during = surface()
    pytorch.uninstall()

    assert during != before
    assert surface() == before
    seen.steps.clear()
    train(3)
    assert seen.steps == []


def test_install_twice_is_install_once(seen):
    pytorch.install(torch)
    pytorch.install(torch)
    train(10)
    pytorch.uninstall()
    pytorch.uninstall()

    assert len(seen.steps) == 10


def test_what_somebody_else_has_wrapped_since_stays_wrapped(watched, monkeypatch):
    calls = []
    ours = torch.autograd.backward

    def theirs(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return ours(*args, **kwargs)

    torch.autograd.backward = theirs
    try:
        pytorch.uninstall()
        assert torch.autograd.backward is theirs
        train(10)
        assert len(calls) == 10
        assert watched.steps == []
    finally:
        while hasattr(torch.autograd.backward, "__wrapped__") or torch.autograd.backward is theirs:
            torch.autograd.backward = ours.__wrapped__ if torch.autograd.backward is theirs else _inner()


def _inner() -> Any:
    return torch.autograd.backward.__wrapped__


def test_models_and_optimizers_can_be_copied_and_pickled(watched):
    net = nn.Sequential(nn.Linear(4, 2))
    opt = torch.optim.Adam(net.parameters())
    net(torch.randn(3, 4)).sum().backward()
    opt.step()

    other = copy.deepcopy(net)
    again = pickle.loads(pickle.dumps(net))
    buffer = io.BytesIO()
    torch.save({"model": net, "optimizer": opt.state_dict()}, buffer)
    for one in (other, again):
        mine = torch.optim.Adam(one.parameters())
        mine.load_state_dict(opt.state_dict())
        copied = copy.deepcopy(mine)
        one(torch.randn(3, 4)).sum().backward()
        mine.step()
        assert copied.state_dict().keys() == mine.state_dict().keys()

    assert len(watched.steps) == 3


class PlantedError(Exception):
    """What the user's own code raises."""


class Trap:
    """Raises in one place at the third step."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.step = 0

    def __call__(self, here: str) -> None:
        if here == self.where and self.step == 2:
            raise PlantedError(here)


def parts(trap: Trap) -> tuple[Any, Any, Any]:
    """Return model, optimizer class and data set with `trap` in them."""

    class Raising(torch.autograd.Function):
        @staticmethod
        def forward(_: Any, x: Any) -> Any:
            return x.clone()

        @staticmethod
        def backward(_: Any, grad: Any) -> Any:
            trap("backward")
            return grad

    class Block(nn.Linear):
        def forward(self, x: Any) -> Any:
            trap("forward")
            return Raising.apply(super().forward(x))

    class Step(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            trap("step")
            super().step(closure)
            trap.step += 1

    class Data(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return 8

        def __getitem__(self, i: int) -> Any:
            trap("data")
            return torch.full((4,), float(i))

    return nn.Sequential(nn.Linear(4, 4), Block(4, 4)), Step, Data()


@pytest.mark.parametrize("where", ["forward", "backward", "step", "data"])
def test_an_exception_of_the_user_passes_untouched_and_finds_its_step_and_layer(watched, where):
    net, kind, data = parts(Trap(where))
    opt = kind(net.parameters(), 0.1)

    def run() -> None:
        for x in DataLoader(data, batch_size=2):
            net(x).sum().backward()
            opt.step()

    with pytest.raises(PlantedError) as caught:
        run()

    known = context(caught.value)
    assert (known["step"], known.get("layer")) == (2, "1" if where == "forward" else None)
    assert known["learning_rate"] == 0.1
    assert caught.value.args == (where,)


def test_after_an_exception_in_backward_the_next_step_is_seen(watched):
    net = nn.Linear(4, 1)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    loss = net(torch.randn(2, 4)).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()
    opt.step()
    net(torch.randn(2, 4)).sum().backward()
    opt.step()

    assert len(watched.steps) == 2


def test_outside_of_training_nothing_is_said_of_a_step(seen):
    assert context(ValueError("x")) == {}


def test_a_sink_that_keeps_nothing_changes_nothing():
    pytorch.install(torch)
    try:
        losses, _ = train(10)
    finally:
        pytorch.uninstall()

    assert losses == train(10)[0]
