"""Non-finite values made by operations that need no gradient, told from bad data by what the program had in hand."""

import math

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

BAD_STEP = 4


class Loudness(nn.Module):
    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True)


def shares(x):
    return x / x.sum(1, keepdim=True)


class Clips(nn.Module):
    """What comes first has no weights: a module, a function, or nothing."""

    def __init__(self, first):
        super().__init__()
        self.first = first
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc(self.first(x))


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 3)
        self.scale = 2

    def forward(self, x):
        return self.fc(self.prepared(x))

    def prepared(self, x):
        return shares(x) / self.scale if isinstance(self.scale, int) else x


class Chain(nn.Module):
    """Divides, and guards itself; the layer behind it is what takes the input."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc((x - x.mean()) / (x.std() + 1e-6))


def sample(step, zero):
    x = torch.rand(16, 8) + 0.5
    if zero and step == BAD_STEP:
        x[3] = 0.0
    return x, torch.randint(0, 3, (16,))


def train(net, data, steps=6):
    """Train by hand: `data(step)` gives what the model gets, and the classes."""
    opt = torch.optim.SGD(net.parameters(), 0.01)
    for step in range(steps):
        x, y = data(step)
        out = net(x)
        loss = F.cross_entropy(out, y)
        opt.zero_grad()
        loss.backward()
        opt.step()


def only(watched):
    (found,) = [finding for finding, _ in watched.found if finding.rule == "loss.nonfinite"]
    return found


def kept(finding):
    return {key: finding.evidence.get(key) for key in ("kind", "operation", "layer", "before")}


@pytest.mark.parametrize(
    ("net", "layer", "place"),
    [
        pytest.param(lambda: Clips(Loudness()), "first", "forward", id="a module without weights"),
        pytest.param(lambda: nn.Sequential(Loudness(), nn.Linear(8, 3)), "0", "forward", id="in a Sequential"),
        pytest.param(Bag, None, "shares", id="a function that a method calls"),
    ],
)
def test_the_operation_is_named_where_the_model_got_finite_values(watched, net, layer, place):
    train(net(), lambda step: sample(step, zero=True))

    finding = only(watched)
    assert kept(finding) == {
        "kind": "forward operation",
        "operation": "Div",
        "layer": layer,
        "before": "1" if layer == "0" else "fc",
    }
    assert f"{place} (test_without_gradients.py:" in finding.summary
    assert finding.evidence["step"] == BAD_STEP


def test_batches_of_a_loader_that_were_finite_prove_as_much(watched):
    x = torch.rand(48, 8) + 0.5
    x[17] = 0.0
    net = Bag()
    opt = torch.optim.SGD(net.parameters(), 0.01)
    for a, b in DataLoader(TensorDataset(x, torch.zeros(48, dtype=torch.long)), batch_size=8):
        opt.zero_grad()
        F.cross_entropy(net(a), b).backward()
        opt.step()
    assert kept(only(watched)) == {"kind": "forward operation", "operation": "Div", "layer": None, "before": "fc"}


def bad_data(step):
    x, y = sample(step, zero=False)
    if step == BAD_STEP:
        x[2, 1] = math.nan
    return x, y


@pytest.mark.parametrize("net", [lambda: Clips(Loudness()), Bag, Chain], ids=["module", "function", "guarded"])
def test_a_variable_that_was_bad_when_the_model_got_it_is_the_input(watched, net):
    train(net(), bad_data)

    assert kept(only(watched)) == {"kind": "input", "operation": None, "layer": "x", "before": None}


@pytest.mark.parametrize("prepare", ["target", "x"])
def test_what_the_loop_prepares_is_named_with_the_line_that_may_have_made_it(watched, prepare):
    net = nn.Linear(8, 1)
    opt = torch.optim.SGD(net.parameters(), 0.01)
    for step in range(6):
        x, _ = sample(step, zero=False)
        target = x.sum(1, keepdim=True) * (1 - (step == BAD_STEP and prepare == "target"))
        if prepare == "target":
            target = torch.log(target)
        else:
            x = (x - x.mean(0)) / (x * (step != BAD_STEP)).std(0)
        loss = F.mse_loss(net(x), target)
        opt.zero_grad()
        loss.backward()
        opt.step()
    finding = only(watched)
    operation = {"target": "Log", "x": "Div"}[prepare]
    assert kept(finding) == {"kind": "input", "operation": operation, "layer": prepare, "before": None}
    assert f"{prepare} already held non-finite values, most likely made by {operation} in test_" in finding.summary


def test_a_term_without_gradients_that_is_added_is_found(watched):
    net = nn.Linear(8, 3)
    opt = torch.optim.SGD(net.parameters(), 0.01)
    for step in range(6):
        x, y = sample(step, zero=False)
        with torch.no_grad():
            entropy = -torch.log(x * (step != BAD_STEP)).sum(1) * 0
        loss = (F.cross_entropy(net(x), y, reduction="none") - entropy).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    assert kept(only(watched)) == {"kind": "input", "operation": "Log", "layer": "entropy", "before": None}


def test_masks_of_minus_infinity_are_not_taken_for_it(watched):
    net = nn.Linear(8, 3)
    opt = torch.optim.SGD(net.parameters(), 0.01)
    mask = torch.tensor([[0.0, 0.0, -math.inf]])
    for step in range(6):
        x, _ = sample(step, zero=False)
        loss = -torch.log(torch.softmax(net(x) + mask, 1)[:, :2] * (step != BAD_STEP)).mean()
        opt.zero_grad(); loss.backward(); opt.step()  # fmt: skip # noqa: E702
    assert kept(only(watched))["kind"] == "forward operation"


def test_nothing_is_claimed_where_what_went_in_cannot_be_seen(watched):
    net = Clips(nn.Identity())
    opt = torch.optim.SGD(net.parameters(), 0.01)
    for step in range(6):
        opt.zero_grad()
        F.cross_entropy(net(bad_data(step)[0]), torch.zeros(16, dtype=torch.long)).backward()
        opt.step()
    finding = only(watched)
    assert kept(finding) == {"kind": "unknown", "operation": None, "layer": None, "before": "fc"}
    assert "what went into fc was not finite: where it began could not be told" in finding.summary


def test_several_modules_that_may_have_done_it_are_not_told_apart(watched):
    train(
        nn.Sequential(Loudness(), Clips(Loudness())),
        lambda step: sample(step, zero=True),
    )

    finding = only(watched)
    assert kept(finding) == {"kind": "forward operation", "operation": None, "layer": None, "before": "1.fc"}
    assert "an operation before 1.fc made the first non-finite value" in finding.summary


def test_a_function_around_the_call_is_seen_through(watched):
    net = Clips(Loudness())
    opt = torch.optim.SGD(net.parameters(), 0.01)

    def update(loss):
        opt.zero_grad()
        loss.backward()
        opt.step()

    for step in range(6):
        x, y = sample(step, zero=True)
        update(F.cross_entropy(net(x), y))
    assert kept(only(watched))["operation"] == "Div"
