"""Several models in one program: told apart by name, and not taken for one network."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812


def step(opt: Any, loss: Any) -> None:
    opt.zero_grad()
    loss().backward()
    opt.step()


def adversaries(seen: Any, generator: Any, critic: Any, steps: int = 3) -> None:
    """Train a toy GAN."""
    first = torch.optim.SGD(critic.parameters(), 0.01)
    second = torch.optim.SGD(generator.parameters(), 0.01)
    noise, real = torch.randn(16, 4), torch.randn(16, 8)
    for _ in range(steps):
        step(first, lambda: critic(generator(noise).detach()).mean() - critic(real).mean())
        step(second, lambda: F.softplus(-critic(generator(noise))).mean())


def test_models_of_one_class_have_names_of_their_own(every):
    nets = [nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(3, 2)]
    opt = torch.optim.SGD([p for net in nets for p in net.parameters()], 0.1)
    x = torch.randn(8, 3)
    for _ in range(2):
        step(opt, lambda: sum(net(x).square().mean() for net in nets))

    for look in every.looks:
        named = [(p.name, p.layer) for p in look.parameters]
        assert named == [
            (f"{layer}.{key}", layer) for layer in ("Linear", "Linear#2", "Linear#3") for key in ("weight", "bias")
        ]
        assert {layer.name for layer in look.layers} == {"Linear", "Linear#2", "Linear#3"}
        used = [operation.layer for operation in look.operations if operation.kind == "Addmm"]
        assert used == ["Linear", "Linear#2", "Linear#3"]


def test_models_of_different_classes_have_no_numbers(every):
    nets = [nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 2))]
    opt = torch.optim.SGD([p for net in nets for p in net.parameters()], 0.1)
    step(opt, lambda: nets[1](torch.relu(nets[0](torch.randn(8, 3)))).square().mean())

    (look,) = every.looks
    assert {p.layer for p in look.parameters} == {"Linear", "Sequential.0"}


def test_one_model_has_no_prefix_at_all(every):
    net = nn.Sequential(nn.Linear(3, 2))
    step(torch.optim.SGD(net.parameters(), 0.1), lambda: net(torch.randn(8, 3)).square().mean())

    (look,) = every.looks
    assert [p.name for p in look.parameters] == ["0.weight", "0.bias"]


@pytest.mark.parametrize("whole", [True, False])
def test_a_linear_generator_and_a_linear_critic_are_not_one_network_without_activations(every, whole):
    generator, critic = nn.Linear(4, 8), nn.Linear(8, 1)
    if whole:
        generator, critic = nn.Sequential(generator), nn.Sequential(critic)
    adversaries(every, generator, critic)

    assert "model.no_activation" not in every.rules()
    together = [look for look in every.looks if sum(layer.root for layer in look.layers) == 2]
    assert len(together) == 3
    assert all(sum(op.kind == "Addmm" for op in look.operations) == 2 for look in together)


def test_one_of_two_networks_without_activations_is_found(every):
    generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 8))
    critic = nn.Sequential(nn.Linear(8, 32), nn.Linear(32, 16))
    opt = torch.optim.SGD([*generator.parameters(), *critic.parameters()], 0.01)
    for _ in range(2):
        step(opt, lambda: F.mse_loss(critic(torch.randn(16, 8)), torch.randn(16, 16)))

    assert "model.no_activation" in every.rules()
