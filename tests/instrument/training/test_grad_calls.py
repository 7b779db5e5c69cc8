"""Training by `torch.autograd.grad`, without any optimizer of PyTorch; and what only looks like it."""

import gc

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def _no_optimizers_of_other_tests():
    gc.collect()


def descend(net, x, y, steps, *, rate=0.1, create_graph=False):
    losses = []
    for _ in range(steps):
        loss = nn.functional.mse_loss(net(x), y)
        gradients = torch.autograd.grad(loss, net.parameters(), create_graph=create_graph)
        with torch.no_grad():
            for parameter, gradient in zip(net.parameters(), gradients, strict=True):
                parameter -= rate * gradient
        losses.append(loss.item())
    return losses


def regression():
    torch.manual_seed(0)
    return nn.Linear(4, 1), torch.randn(16, 4), torch.randn(16, 1)


def test_each_call_for_all_weights_is_a_step_with_its_loss(watched):
    losses = descend(*regression(), 5)

    assert [(s.index, s.optimizer, s.loss) for s in watched.steps] == [(i, "", losses[i]) for i in range(5)]
    assert all(s.backward_s > 0 for s in watched.steps)


def test_losses_are_the_same_with_and_without_us(watched):
    ours = descend(*regression(), 5)
    pytorch.uninstall()

    assert descend(*regression(), 5) == ours
    assert len(watched.steps) == 5


def test_a_loss_that_is_not_finite_is_found(watched):
    descend(*regression(), 40, rate=1e12)

    assert watched.rules()[0] == "loss.nonfinite"


def test_a_saliency_map_is_no_step(watched):
    net, x, _ = regression()
    x.requires_grad_()
    for _ in range(3):
        torch.autograd.grad(net(x).sum(), x)

    assert watched.steps == []


def test_a_call_whose_result_is_differentiated_again_is_no_step(watched):
    descend(*regression(), 3, create_graph=True)

    assert watched.steps == []


def test_beside_an_optimizer_calls_are_part_of_its_steps(watched):
    net, x, y = regression()
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        for parameter, gradient in zip(net.parameters(), torch.autograd.grad(loss, [*net.parameters()]), strict=True):
            parameter.grad = gradient
        optimizer.step()

    assert [(s.index, s.optimizer) for s in watched.steps] == [(0, "SGD"), (1, "SGD"), (2, "SGD")]


def test_a_wrong_call_raises_what_it_always_raises(watched):
    net, x, y = regression()
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        torch.autograd.grad(net(x) - y, net.parameters())
