"""`gradients_reach_every_parameter`: what it lets pass, what it names."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

from otel_mldebug import checks  # noqa: E402
from otel_mldebug.checks import GradientsMissing, gradients_reach_every_parameter  # noqa: E402


class Forked(nn.Module):
    """A model with a head that can be left out, cut off or made useless."""

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.body, self.side, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)
        self.fault = fault

    def forward(self, x: Any) -> Any:
        hidden = self.body(x)
        if self.fault == "cut":
            hidden = hidden.detach()
        if self.fault != "unused":
            hidden = hidden + self.side(x) * (0.0 if self.fault == "zero" else 1.0)
        if self.fault == "nan":
            hidden = hidden + (self.side(x) * 0).sqrt()
        return self.head(hidden)


def test_a_model_that_learns_everywhere_passes_and_is_as_before():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2), nn.Softmax(-1))
    net[0].weight.grad = torch.ones(4, 4)
    net.eval()
    state = {k: v.clone() for k, v in net.state_dict().items()}
    net.train()
    x = torch.randn(8, 4)
    random = torch.get_rng_state()
    gradients_reach_every_parameter(net, x)

    assert torch.equal(net[0].weight.grad, torch.ones(4, 4))
    assert net[3].weight.grad is None
    assert all(torch.equal(v, state[k]) for k, v in net.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("cut", ["body.bias (4,): no gradient: the loss does not depend on it"]),
        ("unused", ["side.weight (4, 4): no gradient", "side.bias (4,): no gradient"]),
        ("zero", ["side.weight (4, 4): its gradient is zero all over"]),
        ("nan", ["side.bias (4,): 4 of 4 elements of its gradient are not finite"]),
    ],
)
def test_every_parameter_that_does_not_learn_is_named(fault, named):
    with pytest.raises(GradientsMissing) as caught:
        gradients_reach_every_parameter(Forked(fault), torch.ones(2, 4))

    text = str(caught.value)
    assert text.startswith("2 of 6 parameters of Forked do not learn:")
    assert all(line in text for line in named)
    assert "head" not in text


def test_frozen_and_allowed_parameters_need_no_gradient():
    gradients_reach_every_parameter(Forked("unused"), torch.ones(2, 4), allow=["side.*"])
    gradients_reach_every_parameter(Forked("unused"), torch.ones(2, 4), allow="s*.*")
    gradients_reach_every_parameter(Forked("zero"), torch.ones(2, 4), allow_zero=True)
    net = Forked("unused")
    net.side.requires_grad_(False)
    gradients_reach_every_parameter(net, torch.ones(2, 4))


def test_the_loss_can_be_a_function_or_a_number_that_is_there_already():
    net = Forked()
    gradients_reach_every_parameter(net, torch.ones(2, 4), loss=lambda out: out.square().mean())
    gradients_reach_every_parameter(net, loss=net(torch.ones(2, 4)).sum())
    with pytest.raises(GradientsMissing, match=r"3 of 6|4 of 6"):
        gradients_reach_every_parameter(net, loss=net.body(torch.ones(2, 4)).sum())
    with pytest.raises(GradientsMissing, match="the graph is cut"):
        gradients_reach_every_parameter(net, torch.ones(2, 4), loss=lambda out: out.detach().sum())
    with pytest.raises(ValueError, match=r"is one of shape \(2, 2\)"):
        gradients_reach_every_parameter(net, torch.ones(2, 4), loss=lambda out: out)


def test_models_without_trainable_parameters_and_exceptions_are_told_apart():
    with pytest.raises(GradientsMissing, match="ReLU has no trainable parameter"):
        gradients_reach_every_parameter(nn.ReLU(), torch.ones(1))
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        gradients_reach_every_parameter(nn.Linear(2, 2), torch.ones(1, 3))


def test_dict_outputs_and_sparse_gradients_are_fine():
    class Table(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rows = nn.Embedding(5, 3, sparse=True)

        def forward(self, ids: Any, *, scale: float) -> Any:
            return {"logits": self.rows(ids) * scale, "loss": None}

    gradients_reach_every_parameter(Table(), torch.tensor([1, 2]), scale=2.0)


def test_every_check_raises_an_assertion_error():
    failures = [getattr(checks, name) for name in checks.__all__ if isinstance(getattr(checks, name), type)]
    assert [f.__name__ for f in failures if issubclass(f, AssertionError)] == [
        "CheckFailed", "ClippingDoesNotClip", "ForwardPassesDiffer", "GradientsMissing", "RunsDiffer",
        "WrongOutputShape",
    ]  # fmt: skip
