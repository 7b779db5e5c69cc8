"""Several optimizers that take turns: what goes wrong with one of them is told of that one."""

import math

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402


def test_of_several_optimizers_the_one_that_fails_is_told_once_with_its_own_losses(watched):
    torch.manual_seed(0)
    nets = [nn.Linear(4, 1) for _ in range(3)]
    opts = [torch.optim.Adam(net.parameters(), 0.01) for net in nets]
    x = torch.randn(8, 4)
    for step in range(20):
        for place, (net, opt) in enumerate(zip(nets, opts, strict=True)):
            opt.zero_grad()
            out = (net(x) * 0.0 + 2.0 + place).sqrt() if step < 10 or place != 1 else (net(x) - 100.0).sqrt()
            out.square().mean().backward()
            opt.step()

    assert [(f.rule, where["step"]) for f, where in watched.found if "nonfinite" in f.rule] == [("loss.nonfinite", 31)]
    found = next(f for f, _ in watched.found if f.rule == "loss.nonfinite")
    assert found.evidence["losses_before"] == pytest.approx([3.0] * 5), "not those of the two others"


def test_a_generator_whose_loss_goes_through_the_critic_is_told_from_it(watched):
    generator, critic = nn.Linear(4, 4), nn.Linear(4, 1)
    opts = [torch.optim.SGD(critic.parameters(), 0.001), torch.optim.SGD(generator.parameters(), 0.001)]
    for step in range(12):
        for place, opt in enumerate(opts):
            opt.zero_grad()
            made = critic(generator(torch.ones(2, 4)))
            loss = (made * 0.0 + place + 1.0).mean()
            (loss if step < 10 or place == 0 else loss * math.inf).backward()
            opt.step()

    found = next(f for f, _ in watched.found if f.rule == "loss.nonfinite")
    assert (found.evidence["step"], set(found.evidence["losses_before"])) == (21, {2.0})


def test_parameters_that_belong_to_no_model_are_named_by_optimizer_group_and_shape(watched):
    first, second, third = torch.ones(4, 3, requires_grad=True), torch.ones(3, requires_grad=True), torch.ones(())
    opts = [
        torch.optim.SGD([{"params": [first]}, {"params": [second]}], 0.1),
        torch.optim.SGD([third.requires_grad_()], 0.1),
    ]
    for step in range(4):
        for opt in opts:
            opt.zero_grad()
        if step == 2:
            with torch.no_grad():
                second[0] = math.nan
        ((torch.ones(2, 4) @ first * second).sum() * third).backward()
        for opt in opts:
            opt.step()

    found = next(f for f, _ in watched.found if f.rule == "loss.nonfinite")
    assert (found.evidence["layer"], found.evidence["tensors"]) == ("#0 of SGD group 1 (3)", ("#0 of SGD group 1 (3)",))
    assert [p.name for look in watched.looks[:2] for p in look.parameters] == [
        "#0 of SGD group 0 (4x3)", "#0 of SGD group 1 (3)", "#0 of SGD#2 (scalar)",
    ]  # fmt: skip
