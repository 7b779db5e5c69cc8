"""What a program does with gradients that it reduces itself."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from otel_mldebug.instrument.training.distributed.reducing import STEPS, Reducing  # noqa: E402
from otel_mldebug.rules.ranks import Reduction  # noqa: E402

NORM = torch.linalg.vector_norm(torch.full((3,), 4.0)).item()


def doubled(tensor, op=None, group=None, async_op=False):
    """Add up over two ranks that have the same."""
    tensor.mul_(2)
    return "work" if async_op else None


def seen(after, *, steps=2, of=lambda net: list(net.parameters()), **how):
    """Return what is seen of steps in which gradients of 4 are reduced and then given to `after`."""
    net = torch.nn.Linear(3, 1, bias=False)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    reducing = Reducing(torch)
    all_reduce = reducing.wrap(doubled)
    for step in range(steps):
        for parameter in net.parameters():
            parameter.grad = torch.ones_like(parameter) * 4
        for parameter in of(net):
            assert all_reduce(parameter.grad, **how) == ("work" if how else None)
            after(parameter.grad)
        assert all(p.grad.mean() in (4, 8) for p in net.parameters())
        reducing.step_begins(optimizer, step)
    return reducing


def as_it_is(gradient):
    pass


def test_sums_that_are_kept_and_the_norm_before_are_seen():
    assert seen(as_it_is).told() == tuple(Reduction(step=step, local_norm=NORM, kept=True) for step in range(2))


def test_sums_that_are_divided_are_not_kept():
    told = seen(lambda gradient: gradient.div_(2)).told()
    assert told == tuple(Reduction(step=step, local_norm=NORM, kept=False) for step in range(2))


def test_what_is_still_under_way_is_not_known_to_be_kept():
    assert [r.kept for r in seen(as_it_is, async_op=True).told()] == [False, False]


def test_steps_whose_gradients_are_not_all_reduced_say_nothing():
    assert seen(as_it_is, of=lambda net: []).told() == ()


def test_other_tensors_are_reduced_as_ever():
    all_reduce = Reducing(torch).wrap(doubled)
    count, text, empty = torch.tensor([3]), torch.tensor(4.0), torch.zeros(0)
    assert [all_reduce(tensor) for tensor in (count, text, empty)] == [None, None, None]
    assert (count.item(), text.item()) == (6, 8.0)


def test_after_the_first_steps_nothing_is_looked_at():
    reducing = seen(as_it_is, steps=STEPS + 3)
    assert not reducing.active
    assert reducing.told()[-1].step == STEPS - 1


def test_errors_of_theirs_are_theirs():
    def failing(tensor):
        raise RuntimeError("peer closed the connection")

    with pytest.raises(RuntimeError, match="peer closed"):
        Reducing(torch).wrap(failing)(torch.ones(2))
