"""What the text of a model cuts off from its result, and what it does not."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from otel_mldebug.instrument.training.tensors import frames
from otel_mldebug.instrument.training.tensors.cuts import Cuts, cuts
from otel_mldebug.semconv.names import Severity
from tests.instrument.training.conftest import Memory

pytestmark = pytest.mark.torch


class Pair(nn.Module):
    """A layer `a` that may be cut off, and one that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 2)
        self.warm = True

    def turned(self) -> "Pair":
        """Have the layer `a` registered last, as a head would be."""
        self.a = self._modules.pop("a")
        return self


class Detached(Pair):
    def forward(self, x: Any) -> Any:
        h = torch.relu(self.a(x))
        return self.b(h.detach())


class Data(Pair):
    def forward(self, x: Any) -> Any:
        return self.b(self.a(x).data)


class Chosen(Pair):
    def forward(self, x: Any) -> Any:
        choice = self.a(x).softmax(-1).argmax(-1)
        mask = torch.zeros_like(x)
        mask[torch.arange(len(x)), choice] = 1.0
        return self.b(x * mask)


class Gated(Pair):
    def forward(self, x: Any) -> Any:
        return self.b(x * (torch.sigmoid(self.a(x)) > 0.5).float())


class Copied(Pair):
    def forward(self, x: Any) -> Any:
        (h,) = (self.a(x),)
        return self.b(torch.tensor(h.tolist()))


class Without(Pair):
    def forward(self, x: Any) -> Any:
        with torch.no_grad():
            h = self.a(x)
        return self.b(h)


class Decorated(Pair):
    @torch.no_grad()
    def encode(self, x: Any) -> Any:
        return self.a(x)

    def forward(self, x: Any) -> Any:
        return self.b(self.encode(x))


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 2)

    def forward(self, h: Any) -> Any:
        h = h.detach()
        return self.layer(h)


class Across(Pair):
    def __init__(self) -> None:
        super().__init__()
        self.b = Reader()

    def forward(self, x: Any) -> Any:
        return self.b(h=checkpoint(self.a, x, use_reentrant=False))


class Looped(Pair):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.ModuleList(nn.Linear(8, 8) for _ in range(2))

    def forward(self, x: Any) -> Any:
        kept = []
        for layer in self.a:
            kept.append(layer(x))
            x = x + layer(x).detach()
        return self.b(x)


CUT = [Detached, Data, Chosen, Gated, Copied, Without, Decorated, Across, Looped]


@pytest.mark.parametrize("kind", CUT)
def test_a_layer_whose_result_goes_on_behind_a_cut_is_cut_off(kind: type[Pair]):
    model = kind()

    found = cuts(nn.Sequential(model))

    assert set(found) == {id(p) for p in model.a.parameters()}
    assert all("test_cuts.py:" in how and kind.__name__.replace("Across", "Reader") in how for how in found.values())


class Heads(Pair):
    def forward(self, x: Any) -> Any:
        return self.b(x), self.a(x.detach())


class Unused(Pair):
    def forward(self, x: Any) -> Any:
        self.a(x)
        return self.b(x)


class Through(Pair):
    def forward(self, x: Any) -> Any:
        h = self.a(x)
        return self.b(h + (h.sign() - h).detach())


class Warm(Pair):
    def forward(self, x: Any) -> Any:
        h = self.a(x)
        if self.warm:
            h = h.detach()
        return self.b(h)


class Perhaps(Pair):
    def forward(self, x: Any) -> Any:
        y = self.b(x)
        if not self.warm:
            y = y + self.a(x).detach().sum()
        return y


class Weighted(Pair):
    def forward(self, x: Any) -> Any:
        gate = self.a(x).softmax(-1)
        best = gate.argmax(-1, keepdim=True)
        return self.b(x * gate.gather(-1, best))


class Shaped(Pair):
    def forward(self, x: Any) -> Any:
        h = self.a(x)
        return self.b(torch.ones_like(h) * h.shape[0])


class Logged(Pair):
    def forward(self, x: Any) -> Any:
        self.last = self.a(x).detach()
        return self.b(x)


class Never(Pair):
    def forward(self, x: Any) -> Any:
        return self.b(x.detach())


class Asked(Pair):
    def forward(self, x: Any) -> Any:
        h = self.a(x) if self.warm else x
        return self.b(h.detach() if h is not None else x)


class Written(Pair):
    forward = eval("lambda self, x: self.b(self.a(x).detach())")


LIVE = [Heads, Unused, Through, Warm, Perhaps, Weighted, Shaped, Logged, Never, Asked, Written]


@pytest.mark.parametrize("kind", LIVE)
def test_a_layer_that_is_not_used_or_not_certain_to_be_cut_off_is_not(kind: type[Pair]):
    assert cuts(kind()) == {}


def test_too_much_text_says_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(frames, "MOST_NODES", 3)

    assert cuts(Detached()) == {}


def test_a_model_is_read_once_and_not_kept():
    known, model = Cuts(), Detached()

    assert known.of(model) is known.of(model)
    del model
    assert not known._known


def train(model: Any, optimizer: Any, steps: int = 60) -> None:
    for _ in range(steps):
        x = torch.randn(16, 8)
        out = model(x)
        loss = nn.functional.mse_loss(out[0] if isinstance(out, tuple) else out, x[:, :2])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def told(seen: Memory) -> list[tuple[str, Severity, Any]]:
    return [
        (f.rule, f.severity, f.evidence["layer"])
        for f, _ in seen.found
        if f.rule in ("parameter.detached", "parameter.unused")
    ]


@pytest.mark.parametrize("kind", [Chosen, Gated])
def test_a_layer_that_runs_and_is_cut_off_from_the_loss_is_told_with_the_place(watched: Memory, kind: type[Pair]):
    model = kind().turned()
    train(model, torch.optim.Adam(model.parameters()))

    assert told(watched) == [("parameter.detached", Severity.WARNING, "a")]
    assert f"{kind.__name__}.forward (test_cuts.py:" in watched.found[-1][0].cause


@pytest.mark.parametrize("kind", [Heads, Never, Unused, Logged])
def test_layers_of_which_nothing_is_used_are_a_hint(watched: Memory, kind: type[Pair]):
    model = kind().turned()
    train(model, torch.optim.Adam(model.parameters()))

    assert told(watched) == [("parameter.unused", Severity.INFO, "a")]


def test_a_frozen_layer_and_one_that_no_optimizer_holds_are_left_alone(watched: Memory):
    frozen, other = Chosen(), Gated()
    frozen.a.requires_grad_(False)
    train(frozen, torch.optim.Adam(frozen.parameters()))
    train(other, torch.optim.Adam(other.b.parameters()))

    assert told(watched) == []


def test_a_teacher_within_the_model_is_left_alone(watched: Memory):
    class Taught(Pair):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.ModuleDict({"teacher": nn.Linear(8, 8)})

        def forward(self, x: Any) -> Any:
            return self.b(x + self.a["teacher"](x).detach())

    model = Taught().turned()
    train(model, torch.optim.Adam(model.parameters()))

    assert [severity for _, severity, _ in told(watched)] == [Severity.INFO]
