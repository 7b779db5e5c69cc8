"""Evaluation passes of real programs: what is counted, and what is said of them."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch.utils.data import DataLoader  # noqa: E402

from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from tests.instrument.training.programs import blobs  # noqa: E402


def net(drop: float = 0.3) -> Any:
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(drop), nn.Linear(32, 3))


def fit(evaluate: Any, *, epochs: int = 3, model: Any = None, before: Any = lambda model: None) -> list[Any]:
    """Train, evaluate after each pass, and return what the evaluations returned."""
    model = model or net()
    opt = torch.optim.SGD(model.parameters(), 0.05)
    train, validation = DataLoader(blobs(64), 16, shuffle=True), DataLoader(blobs(96), 32)
    out = []
    for _ in range(epochs):
        model.train()
        before(model)
        for x, y in train:
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            opt.step()
        out.append(evaluate(model, validation))
    pytorch.uninstall()
    return out


@torch.no_grad()
def right(model: Any, validation: Any) -> float:
    model.eval()
    return sum(F.cross_entropy(model(x), y).item() for x, y in validation) / len(validation)


@torch.no_grad()
def forgot_eval(model: Any, validation: Any) -> None:
    for x, _y in validation:
        model(x).argmax(1)


def forgot_no_grad(model: Any, validation: Any) -> None:
    model.eval()
    for x, _y in validation:
        logits = model(x)
        logits.argmax(1)


def no_grad_inside(model: Any, validation: Any) -> None:
    model.eval()
    for x, _y in validation:
        with torch.no_grad():
            logits = model(x)
        logits.argmax(1)


def one_loss(model: Any, validation: Any) -> float:
    model.eval()
    x, y = validation.dataset.tensors
    with torch.no_grad():
        return nn.CrossEntropyLoss()(model(x), y).item()


def one_loss_in_training_mode(model: Any, validation: Any) -> float:
    x, y = validation.dataset.tensors
    with torch.no_grad():
        return F.cross_entropy(model(x), y).item()


def one_loss_with_graph(model: Any, validation: Any) -> float:
    model.eval()
    x, y = validation.dataset.tensors
    return F.cross_entropy(model(x), y).item()


def of_steps(seen: Any) -> list[tuple[Any, ...]]:
    return [(s.index, s.evaluation_batches, s.evaluation_samples) for s in seen.steps if s.evaluation_s is not None]


def test_a_pass_over_a_loader_is_counted_with_its_mean_loss(watched):
    losses = fit(right)

    assert of_steps(watched) == [(4, 3, 96), (8, 3, 96)]
    noted = [s.evaluation_loss for s in watched.steps if s.evaluation_s is not None]
    assert noted == pytest.approx(losses[:2])
    assert watched.rules() == []


def test_a_loss_without_a_loader_is_a_pass_too(watched):
    losses = fit(one_loss)

    assert of_steps(watched) == [(4, 1, 96), (8, 1, 96)]
    assert [s.evaluation_loss for s in watched.steps if s.evaluation_s is not None] == pytest.approx(losses[:2])
    assert watched.rules() == []


@pytest.mark.parametrize(
    ("evaluate", "rule", "words"),
    [
        (forgot_eval, "evaluation.training_mode", "Dropout active"),
        (one_loss_in_training_mode, "evaluation.training_mode", "Dropout active"),
        (forgot_no_grad, "evaluation.gradients_tracked", "`logits` holds a graph"),
        (one_loss_with_graph, "evaluation.gradients_tracked", "the loss holds a graph"),
    ],
)
def test_mistakes_in_evaluation_are_found_and_placed(watched, evaluate, rule, words):
    fit(evaluate)

    finding = next(f for f, _ in watched.found if f.rule == rule)
    assert words in finding.summary
    assert finding.evidence["place"].startswith(f"{evaluate.__name__} (test_evaluation.py:")
    assert finding.evidence["step"] == 4


def monte_carlo(model: Any, validation: Any) -> None:
    model.eval()
    model[2].train()
    with torch.no_grad():
        for x, _y in validation:
            torch.stack([model(x) for _ in range(4)]).mean(0)


class Average:
    """An average of the weights, which is what is evaluated."""

    def __init__(self) -> None:
        self.model = net().eval()

    @torch.no_grad()
    def __call__(self, _: Any, validation: Any) -> None:
        for x, y in validation:
            F.cross_entropy(self.model(x), y)


class Shadow:
    """Keeps an average of the weights."""

    def __init__(self) -> None:
        self.shadow = net().eval()


class Trainer:
    """Has, among other things, one that keeps an average of the weights."""

    def __init__(self) -> None:
        self.extras = {"average": Shadow()}

    @torch.no_grad()
    def __call__(self, _: Any, validation: Any) -> None:
        for x, y in validation:
            F.cross_entropy(self.extras["average"].shadow(x), y)


def of_an_average(_: Any, validation: Any) -> None:
    average = Shadow()
    with torch.no_grad():
        for x, y in validation:
            F.cross_entropy(average.shadow(x), y)


def statistics_of_batches(model: Any, validation: Any) -> None:
    torch.optim.swa_utils.update_bn(validation, model)


def attack(model: Any, validation: Any) -> None:
    model.eval()
    x, y = validation.dataset.tensors
    found = torch.zeros_like(x)
    for _ in range(3):
        found.requires_grad_()
        (slope,) = torch.autograd.grad(F.cross_entropy(model(x + found), y), found)
        found = (found + 0.1 * slope.sign()).detach()


def explain(model: Any, validation: Any) -> None:
    model.eval()
    for x, _y in validation:
        x.requires_grad_()
        scores = model(x)
        torch.autograd.grad(scores.max(1).values.sum(), x)


def nothing(model: Any, validation: Any) -> None:
    """Do not evaluate."""


@pytest.mark.parametrize(
    "evaluate",
    [no_grad_inside, monte_carlo, Average(), Trainer(), of_an_average, statistics_of_batches, attack, explain, nothing],
    ids=lambda e: str(e)[:30],
)
def test_what_is_no_mistake(watched, evaluate):
    fit(evaluate, model=nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.1), nn.Linear(16, 3)))

    assert [rule for rule in watched.rules() if rule.startswith("evaluation.")] == []


def test_training_in_evaluation_mode_is_no_evaluation(watched):
    fit(nothing, before=lambda model: model.eval())

    assert of_steps(watched) == []
    assert len(watched.steps) == 12


def test_a_rollout_without_gradients_is_no_evaluation(watched):
    policy = net()
    opt = torch.optim.Adam(policy.parameters(), 1e-2)
    for _ in range(5):
        with torch.no_grad():
            states = torch.randn(20, 8)
            torch.distributions.Categorical(logits=policy(states)).sample()
        opt.zero_grad()
        policy(states).square().mean().backward()
        opt.step()

    assert of_steps(watched) == []


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.* is deprecated")
def test_loss_functions_are_put_back_and_can_be_scripted(watched):
    @torch.jit.script
    def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.mse_loss(x, y)

    wrapped = F.mse_loss
    assert loss(torch.ones(3), torch.zeros(3)).item() == 1.0
    pytorch.uninstall()
    assert F.mse_loss is wrapped.__wrapped__
    assert wrapped(torch.ones(3), torch.zeros(3)).item() == 1.0


def test_overfitting_is_found(watched):
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 3))
    opt = torch.optim.Adam(model.parameters(), 1e-2)
    x, y, other, target = torch.randn(32, 8), torch.randint(0, 3, (32,)), torch.randn(64, 8), torch.randint(0, 3, (64,))
    for step in range(120):
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        opt.step()
        if step % 10 == 9:
            with torch.no_grad():
                F.cross_entropy(model(other), target)
    pytorch.uninstall()

    finding = next(f for f, _ in watched.found if f.rule == "training.overfitting")
    assert finding.evidence["evaluation_loss"] > 1.25 * finding.evidence["best_evaluation_loss"]


class Bag(nn.Module):
    """Members in a container of whatever kind, all of them trained."""

    def __init__(self, container: Any) -> None:
        super().__init__()
        self.members = container([net(), net()])
        self.merge = nn.Linear(6, 3)

    def parameters(self, recurse: bool = True) -> Any:
        found = {id(p): p for part in (self.merge, *self.members) for p in part.parameters(recurse)}
        yield from found.values()

    def forward(self, x: Any) -> Any:
        return self.merge(torch.cat([member(x) for member in self.members], 1))


def reaching(model: Any, validation: Any) -> float:
    for member in model.members:
        member.eval()
    return right(model, validation)


@pytest.mark.parametrize(
    ("container", "evaluate", "told"),
    [
        pytest.param(list, right, True, id="a plain list"),
        pytest.param(nn.ModuleList, right, False, id="a ModuleList"),
        pytest.param(list, reaching, False, id="a plain list whose members are put into evaluation mode, too"),
    ],
)
def test_layers_that_eval_does_not_reach_are_named_by_the_attribute(watched, container, evaluate, told):
    fit(evaluate, model=Bag(container))

    found = [f for f, _ in watched.found if f.rule == "evaluation.training_mode"]
    assert [f.evidence["attribute"] for f in found] == (["members"] if told else [])
