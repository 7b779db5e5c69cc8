"""Faults that take a closer look: functions that know no mode, updates that vanish, optimizers that overlap."""

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from otel_mldebug.semconv.names import Severity  # noqa: E402


class Dropping(nn.Module):
    """A classifier whose dropout is a function."""

    def __init__(self, **same: Any) -> None:
        super().__init__()
        self.fc1, self.fc2, self.same = nn.Linear(6, 16), nn.Linear(16, 3), same

    def forward(self, x: Any) -> Any:
        return self.fc2(F.dropout(torch.relu(self.fc1(x)), 0.5, **(self.same or {"training": self.training})))


class Layered(nn.Sequential):
    """The same with a layer, which is put back into training mode to draw several answers."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3))

    def eval(self) -> Any:
        super().eval()
        self[2].train()
        return self


def fit(net: Any, *, rounds: int = 3) -> None:
    """Train, and count right answers after each round: no loader, no loss."""
    opt = torch.optim.SGD(net.parameters(), 0.05)
    x, y = torch.randn(64, 6), torch.randint(0, 3, (64,))
    for _ in range(rounds):
        net.train()
        for _ in range(5):
            opt.zero_grad()
            F.cross_entropy(net(x), y).backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            (net(x).argmax(1) == y).float().mean()
    pytorch.uninstall()


def test_dropout_as_a_function_that_knows_no_mode_is_found_in_evaluation(watched):
    fit(Dropping(training=True))

    [(finding, where)] = watched.found
    assert (finding.rule, where["step"]) == ("evaluation.dropout_active", 5)
    assert finding.evidence["place"].startswith("Dropping.forward (test_subtle_findings.py:")


@pytest.mark.parametrize("net", [Dropping, Layered], ids=["given the mode", "drawn on purpose"])
def test_dropout_that_is_as_it_should_be(watched, net):
    fit(net())

    assert watched.rules() == []


class Normalising(nn.Module):
    """Normalises by the function, in a mode of its own."""

    def __init__(self, training: bool | None = None, *, running: bool = True) -> None:
        super().__init__()
        self.first, self.last, self.told = nn.Linear(6, 16), nn.Linear(16, 3), training
        self.running = (torch.zeros(16), torch.ones(16)) if running else (None, None)

    def forward(self, x: Any) -> Any:
        told = self.training if self.told is None else self.told
        return self.last(F.relu(F.batch_norm(self.first(x), *self.running, training=told)))


def test_batch_normalisation_as_a_function_that_knows_no_mode_is_found_in_evaluation(watched):
    fit(Normalising(training=True))

    [(finding, where)] = watched.found
    assert (finding.rule, where["step"]) == ("evaluation.batch_statistics", 5)
    assert finding.evidence["place"].startswith("Normalising.forward (test_subtle_findings.py:")


@pytest.mark.parametrize(
    "net",
    [
        pytest.param(Normalising(), id="given the mode"),
        pytest.param(Normalising(training=True, running=False), id="by each batch, on purpose"),
        pytest.param(nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16, track_running_stats=False)), id="a layer"),
    ],
)
def test_batch_normalisation_that_is_as_it_should_be(watched, net):
    fit(net)

    assert watched.rules() == []


def test_dropout_is_put_back(watched):
    wrapped = F.dropout
    assert torch.equal(wrapped(torch.ones(4), 0.5, False), torch.ones(4))
    pytorch.uninstall()
    assert F.dropout is wrapped.__wrapped__


@pytest.mark.parametrize(("kind", "rate"), [(torch.bfloat16, 1e-5), (torch.float32, 1e-5), (torch.bfloat16, 1e-2)])
def test_elements_that_an_update_leaves_as_they_were_are_counted_for_16_bits(watched, kind, rate):
    net = nn.Sequential(nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 3)).to(kind)
    opt = torch.optim.Adam(net.parameters(), rate)
    x, y = torch.randn(64, 32, dtype=kind), torch.randint(0, 3, (64,))
    for _ in range(4):
        opt.zero_grad()
        F.cross_entropy(net(x).float(), y).backward()
        opt.step()
    pytorch.uninstall()

    seen = [p.unmoved for look in watched.looks for p in look.parameters if p.name.endswith("0.weight")]
    assert seen
    if kind is torch.float32:
        assert set(seen) == {None}
    else:
        assert all(share is not None and (share > 0.5) == (rate < 1e-3) for share in seen)


@pytest.mark.parametrize(("mistaken", "rules"), [(True, ["parameter.in_two_optimizers"]), (False, [])])
def test_an_optimizer_that_was_given_all_of_anothers_weights(watched, mistaken, rules):
    actor, critic = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 1)), nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 1))
    mine = [*actor.parameters(), *(critic.parameters() if mistaken else [])]
    one, other = torch.optim.Adam(mine, 1e-3), torch.optim.Adam(critic.parameters(), 1e-3)
    for _ in range(40):
        s = torch.randn(16, 6)
        other.zero_grad()
        F.mse_loss(critic(s), s[:, :1]).backward()
        other.step()
        one.zero_grad()
        F.mse_loss(actor(s), s[:, 1:2]).backward()
        one.step()
    pytorch.uninstall()

    assert [rule for rule in watched.rules() if rule.startswith("parameter.in_two")] == rules


def test_minus_infinity_that_goes_into_a_layer_is_told_from_finite_data(watched):
    net = nn.GRU(4, 8, batch_first=True)
    opt = torch.optim.SGD(net.parameters(), 0.05)
    for step in range(5):
        power = torch.rand(4, 5, 4)
        if step == 3:
            power[1] = 0
        opt.zero_grad()
        net(torch.log(power))[0].square().mean().backward()
        opt.step()

    finding, where = watched.found[0]
    assert (finding.rule, where["step"]) == ("loss.nonfinite", 3)
    known = [finding.evidence[name] for name in ("kind", "before", "infinite")]
    assert known == ["forward operation", "weight_ih_l0", 20]


def test_a_plateau_that_lasts_becomes_a_warning(watched):
    net = nn.Linear(4, 4)
    opt = torch.optim.SGD(net.parameters(), 0.05)
    for _ in range(700):
        opt.zero_grad()
        F.cross_entropy(net(torch.randn(64, 4)), torch.randint(0, 4, (64,))).backward()
        opt.step()
    pytorch.uninstall()

    told = [finding.severity for finding, _ in watched.found if finding.rule == "loss.plateau"]
    assert told == [Severity.INFO, Severity.WARNING]


def loaders(*seeds: int | None, shuffle: tuple[bool, bool] = (True, True)) -> list[Any]:
    """Return a loader of features and one of labels; with a seed, the order is drawn from a generator of its own."""
    made = [torch.Generator().manual_seed(seed) if seed is not None else None for seed in seeds]
    parts = (torch.randn(64, 6), torch.randint(0, 3, (64,)))
    return [
        torch.utils.data.DataLoader(part, 8, shuffle=shuffled, generator=generator)
        for part, shuffled, generator in zip(parts, shuffle, made, strict=True)
    ]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param(loaders(None, None), True, id="each shuffles"),
        pytest.param(loaders(None, None, shuffle=(True, False)), True, id="one shuffles"),
        pytest.param(loaders(1, 2), True, id="two seeds"),
        pytest.param(loaders(1, 1), False, id="one seed: the same order"),
        pytest.param(loaders(None, None, shuffle=(False, False)), False, id="none shuffles"),
    ],
)
def test_labels_out_of_a_loader_of_their_own(watched, given, found):
    net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    opt = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(3):
        for x, y in zip(*given, strict=True):
            opt.zero_grad()
            F.cross_entropy(net(x), y).backward()
            opt.step()
    pytorch.uninstall()

    assert ("data.targets_apart" in watched.rules()) == found


CLASSES = torch.tensor([0] * 48 + [1] * 24 + [2] * 24)
LABELS = torch.tensor([[1.0, 0.0]] * 16 + [[0.0, 0.0]] * 48)


@pytest.mark.parametrize(
    ("loss", "targets", "guess"),
    [
        pytest.param(F.mse_loss, torch.arange(6.0).reshape(2, 3), 4.5, id="numbers: variance over samples"),
        pytest.param(F.cross_entropy, CLASSES, 1.5 * math.log(2) + 2 / 192, id="classes: entropy"),
        pytest.param(F.cross_entropy, torch.where(CLASSES == 0, -100, CLASSES), math.log(2) + 1 / 96, id="ignored"),
        pytest.param(F.cross_entropy, CLASSES[::4], None, id="few samples"),
        pytest.param(
            F.binary_cross_entropy_with_logits, LABELS, 0.5623351 / 2 + 0.5 / 64, id="labels: entropy of each"
        ),
    ],
)
def test_what_the_best_constant_costs_is_seen(watched, loss, targets, guess):
    outputs = targets.shape[1] if targets.dim() > 1 else 3
    net = nn.Linear(6, outputs)
    opt = torch.optim.SGD(net.parameters(), 0.01)
    loss(net(torch.randn(len(targets), 6)), targets).backward()
    opt.step()
    pytorch.uninstall()

    [part] = [part for part in watched.looks[0].parts if part.role == "target"]
    assert part.guess == (None if guess is None else pytest.approx(guess, rel=1e-5))
