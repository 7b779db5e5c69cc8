"""Optimizers that are made and never step; and programs that only look so."""

import pytest

from otel_mldebug.instrument.training.hooks import pytorch

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def loop(times, *, clear=True, step_at=None, by_hand=False):
    model = torch.nn.Linear(4, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for n in range(times):
        if clear:
            optimizer.zero_grad()
        model(torch.randn(8, 4)).square().mean().backward()
        if n == step_at:
            optimizer.step()
        if by_hand:
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter -= 0.01 * parameter.grad


def test_a_loop_without_a_step_is_found_after_a_hundred_backward_calls(watched):
    loop(150)
    [(finding, where)] = watched.found
    assert (finding.rule, finding.evidence["backward_calls"], where["step"]) == ("optimizer.never_steps", 100, 0)


def test_gradients_that_pile_up_to_the_end_of_the_program_are_told_then(watched):
    loop(110, clear=False)
    assert "optimizer.never_steps" not in watched.rules()
    pytorch.uninstall()
    [(finding, _)] = watched.found
    assert finding.summary == (
        "Adam has not stepped in 110 backward calls, up to the end of the program: nothing is learned."
    )


@pytest.mark.parametrize("program", [{"clear": False, "step_at": 105}, {"clear": False, "by_hand": True}])
def test_at_the_end_nothing_is_said_of_what_has_trained(watched, program):
    loop(110, **program)
    pytorch.uninstall()
    assert "optimizer.never_steps" not in watched.rules()


def test_a_few_backward_calls_at_the_end_are_no_training(watched):
    loop(60, clear=False)
    pytorch.uninstall()
    assert watched.rules() == []


@pytest.mark.parametrize(
    "program",
    [
        pytest.param({"clear": False}, id="many micro-batches for one step"),
        pytest.param({"step_at": 30}, id="a step now and then"),
        pytest.param({"by_hand": True}, id="weights updated by hand"),
    ],
)
def test_what_trains_in_another_way_is_left_alone(watched, program):
    loop(150, **program)
    assert "optimizer.never_steps" not in watched.rules()


def test_gradients_without_any_optimizer_are_somebodys_own_affair(watched):
    model = torch.nn.Linear(4, 2)
    for _ in range(150):
        model.zero_grad()
        model(torch.randn(8, 4)).square().mean().backward()
    assert "optimizer.never_steps" not in watched.rules()
