"""Training by `torch.func.grad` and `functional_call`, without any optimizer; and what only looks like it."""

import gc
import math

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402
from torch.func import functional_call, grad, grad_and_value, jacrev, vmap  # noqa: E402

from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def _no_optimizers_of_other_tests():
    gc.collect()


def regression():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    weights = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    inputs, targets = torch.randn(16, 4), torch.randn(16, 1)

    def loss_of(weights):
        return nn.functional.mse_loss(functional_call(net, weights, (inputs,)), targets)

    return loss_of, weights


def stepped(weights, gradients, rate=0.1):
    return {name: weights[name] - rate * gradients[name] for name in weights}


def descend(steps, *, rate=0.1):
    loss_of, weights = regression()
    losses = []
    for _ in range(steps):
        gradients, loss = grad_and_value(loss_of)(weights)
        weights = stepped(weights, gradients, rate)
        losses.append(loss.item())
    return losses


def test_each_call_for_all_weights_is_a_step_with_its_loss(watched):
    losses = descend(5)

    assert [(s.index, s.optimizer, s.loss) for s in watched.steps] == [(i, "", losses[i]) for i in range(5)]
    assert all(s.backward_s > 0 for s in watched.steps)
    assert all(s.forward_s > 0 for s in watched.steps[1:])


def test_losses_are_the_same_with_and_without_us(watched):
    ours = descend(5)
    pytorch.uninstall()

    assert descend(5) == ours
    assert len(watched.steps) == 5


def test_gradients_alone_and_with_an_auxiliary_result(watched):
    loss_of, weights = regression()
    weights = stepped(weights, grad(loss_of)(weights))
    gradients, aux = grad(lambda w: (loss_of(w), w["0.bias"] + 1), has_aux=True)(weights)
    _, (loss, more) = grad_and_value(lambda w: (loss_of(w), w["2.bias"]), has_aux=True)(stepped(weights, gradients))

    assert (aux.shape, more.shape) == ((8,), (1,))
    assert [s.index for s in watched.steps] == [0, 1, 2]
    assert watched.steps[2].loss == loss.item()


def test_weights_as_several_arguments(watched):
    def loss_of(w, b, x):
        return ((x @ w + b) ** 2).mean()

    grad(loss_of, argnums=(0, 1))(torch.ones(4, 2), torch.zeros(2), torch.ones(3, 4))

    assert len(watched.steps) == 1


def test_a_loss_that_is_not_finite_is_found(watched):
    losses = descend(40, rate=1e12)

    assert not math.isfinite(losses[-1])
    assert watched.rules()[0] == "loss.nonfinite"


def test_a_saliency_map_is_no_step(watched):
    for _ in range(3):
        grad(lambda x: (x**2).sum())(torch.randn(4))

    assert watched.steps == []


def test_gradients_within_another_transform_are_no_steps_of_their_own(watched):
    loss_of, weights = regression()
    vmap(grad(lambda pair: (pair[0] * pair[1]).sum()))((torch.ones(3, 2), torch.ones(3, 2)))
    jacrev(grad(lambda pair: (pair[0] * pair[1]).sum()))((torch.ones(2), torch.ones(2)))
    assert watched.steps == []

    def adapted(w):
        return loss_of(stepped(w, grad(loss_of)(w)))

    grad(adapted)(weights)
    assert len(watched.steps) == 1


def test_beside_an_optimizer_calls_are_part_of_its_steps(watched):
    weights = {"w": torch.ones(4, requires_grad=True), "b": torch.zeros(4, requires_grad=True)}
    optimizer = torch.optim.SGD(weights.values(), 0.1)
    for _ in range(3):
        found = grad(lambda w: ((w["w"] + w["b"]) ** 2).sum())(weights)
        for name, weight in weights.items():
            weight.grad = found[name]
        optimizer.step()

    assert [(s.index, s.optimizer) for s in watched.steps] == [(0, "SGD"), (1, "SGD"), (2, "SGD")]


def test_a_wrong_call_raises_what_it_always_raises_and_is_no_step(watched):
    loss_of, weights = regression()
    with pytest.raises(RuntimeError, match="to return a scalar Tensor"):
        grad(lambda w: loss_of(w).expand(2))(weights)
    with pytest.raises(KeyError, match="mine"):
        grad(lambda w: {}["mine"])(weights)
    with pytest.raises(Exception, match="argnum"):
        grad(loss_of, argnums=5)(weights)

    assert watched.steps == []
    descend(1)
    assert len(watched.steps) == 1


def test_afterwards_pytorch_is_as_it_was(watched):
    from torch._functorch import eager_transforms

    replaced = eager_transforms.grad_and_value_impl
    pytorch.uninstall()

    assert eager_transforms.grad_and_value_impl is replaced.__wrapped__
