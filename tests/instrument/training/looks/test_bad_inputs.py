"""Whatever a program does, a look raises nothing and invents nothing; what it cannot see it leaves out."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore:.*torch.cpu.amp.autocast:FutureWarning"),  # PyTorch 2.4's checkpointing itself
]

from tests.instrument.training.looks import bad_inputs  # noqa: E402


@pytest.mark.parametrize("program", bad_inputs.PROGRAMS, ids=lambda p: p.__name__)
def test_a_look_into_each_step_survives(every: Any, program: Any) -> None:
    program()

    assert [look.step for look in every.looks] == ([] if program is bad_inputs.under_a_mode else [0, 1, 2])
    for look in every.looks:
        for place, operation in enumerate(look.operations):
            assert all(0 <= i < place for i in operation.inputs)
        assert not [p.name for p in look.parameters if p.reached is False]
        assert not [p.name for p in look.parameters if not p.optimized]


def look_of(every: Any, program: Any) -> Any:
    program()
    return every.looks[-1]


def test_what_reentrant_checkpointing_hides_is_not_said_to_be_unreached(every):
    look = look_of(every, bad_inputs.checkpointed)

    assert [p.reached for p in look.parameters] == [None] * 4
    assert "CheckpointFunction" in [o.kind for o in look.operations]
    assert not look.complete


def test_what_was_saved_behind_hooks_is_not_touched(every):
    look = look_of(every, bad_inputs.saved_behind_hooks)

    assert [(o.kind, o.output, o.operand) for o in look.operations] == [
        (kind, None, None) for kind in ("Addmm", "Relu", "Addmm", "Pow", "Mean")
    ]
    assert [p.reached for p in look.parameters] == [True] * 4


def test_a_compiled_model_is_one_operation_and_all_its_parameters(every):
    look = look_of(every, bad_inputs.aot)

    assert look.operations[0].kind == "CompiledFunction"
    assert [p.name for p in look.parameters] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [p.reached for p in look.parameters] == [True] * 4
    assert all(p.gradient is not None and p.update_ratio for p in look.parameters)


def test_of_very_many_operations_the_first_and_the_last_are_kept(every):
    look = look_of(every, bad_inputs.many_operations)

    assert len(look.operations) == 600
    assert [o.kind for o in look.operations[-3:]] == ["Mul", "Tanh", "Sum"]
    assert not look.complete


def test_meta_tensors_have_no_numbers(every):
    look = look_of(every, bad_inputs.meta)

    assert [(p.weight, p.gradient, p.update_ratio) for p in look.parameters] == [(None, None, None)] * 2


def test_tied_weights_are_one_parameter(every):
    assert [p.name for p in look_of(every, bad_inputs.tied).parameters] == ["0.weight"]


def test_the_type_that_autocast_computes_in_is_known(every):
    net, x = bad_inputs.mlp(), torch.randn(5, 3)
    if not hasattr(net(x).grad_fn, "_input_metadata"):
        pytest.skip("the graphs of this PyTorch do not tell types of results")

    def loss() -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return net(x).float().square().mean()

    bad_inputs.train(net, loss)

    assert [look.autocast for look in every.looks] == ["bfloat16"] * 3


@pytest.mark.parametrize("fused", [False, True])
def test_gradients_are_those_that_the_optimizer_uses_and_not_scaled_ones(every, fused):
    net, x = bad_inputs.mlp(), torch.randn(5, 3)
    opt = torch.optim.SGD(net.parameters(), 0.1, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    scaler.scale(net(x).square().mean()).backward()
    expected = net[0].bias.grad.norm().item() / 1024
    scaler.step(opt)

    (look,) = every.looks
    assert look.scale == 1024.0
    assert look.parameters[1].gradient.norm == pytest.approx(expected)


def test_a_step_that_the_scaler_skips_is_looked_into_and_has_no_update(every):
    net, x = bad_inputs.mlp(), torch.randn(5, 3)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu")
    for factor in (1.0, torch.inf):
        opt.zero_grad()
        scaler.scale(net(x).square().mean() * factor).backward()
        scaler.step(opt)
        scaler.update()

    first, second = every.looks
    assert [look.step for look in every.looks] == [0, 1]
    assert all(p.update_ratio for p in first.parameters)
    assert [p.update_ratio for p in second.parameters] == [None] * 4
    assert second.parameters[-1].gradient.nonfinite == 1.0


def test_a_closure_is_looked_into_once(every):
    net, x = bad_inputs.mlp(), torch.randn(5, 3)
    opt = torch.optim.LBFGS(net.parameters(), max_iter=3)

    def closure() -> Any:
        opt.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        return loss

    opt.step(closure)

    (look,) = every.looks
    assert (look.step, look.optimizer_kind, look.parameters[0].reached) == (0, "LBFGS", True)
    assert all(p.gradient is not None and p.update_ratio for p in look.parameters)
    assert [o.kind for o in look.operations] == ["Addmm", "Relu", "Addmm", "Pow", "Mean"]


def test_each_of_several_optimizers_gets_looks_of_its_own(every):
    maker, judge = torch.nn.Linear(2, 3), torch.nn.Linear(3, 1)
    first, second = torch.optim.Adam(maker.parameters()), torch.optim.SGD(judge.parameters(), 0.1)
    for _ in range(2):
        for opt in (second, first):
            opt.zero_grad()
            judge(maker(torch.randn(4, 2))).mean().backward()
            opt.step()

    assert [(look.step, look.optimizer) for look in every.looks] == [(0, "SGD"), (1, "Adam"), (2, "SGD"), (3, "Adam")]
    assert all(p.optimized for look in every.looks for p in look.parameters)
    assert [{p.name for p in look.parameters if p.update_ratio} for look in every.looks[:2]] == [
        {"Linear#2.weight", "Linear#2.bias"}, {"Linear.weight", "Linear.bias"},
    ]  # fmt: skip


def test_two_optimizers_after_one_backward_share_what_it_has_shown(every):
    one, other = torch.nn.Linear(2, 3), torch.nn.Linear(3, 1)
    opts = [torch.optim.SGD(one.parameters(), 0.1), torch.optim.Adam(other.parameters())]
    for _ in range(2):
        one(torch.randn(4, 2))
        other(one(torch.randn(4, 2))).mean().backward()
        for opt in opts:
            opt.step()
            opt.zero_grad()

    assert [(look.step, look.optimizer, len(look.operations)) for look in every.looks] == [
        (0, "SGD", 3), (0, "Adam", 3), (1, "SGD", 3), (1, "Adam", 3),
    ]  # fmt: skip


def test_without_an_optimizer_each_backward_call_is_looked_into(every):
    net = torch.nn.Linear(3, 2)
    for _ in range(2):
        net(torch.randn(5, 3)).square().mean().backward()

    assert [(look.step, look.optimizer, [p.reached for p in look.parameters]) for look in every.looks] == [
        (0, "", [True, True]), (1, "", [True, True]),
    ]  # fmt: skip
