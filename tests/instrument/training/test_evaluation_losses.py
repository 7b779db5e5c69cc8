"""What the loss of an evaluation is, and of which evaluation."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from otel_mldebug.instrument.training.hooks import pytorch  # noqa: E402
from tests.instrument.training.programs import blobs  # noqa: E402
from tests.instrument.training.test_evaluation import fit, net, of_steps  # noqa: E402


@torch.no_grad()
def summed(model: Any, validation: Any) -> float:
    """Evaluate as PyTorch's MNIST example does: the mean by way of a sum."""
    model.eval()
    losses = [F.cross_entropy(model(x), y, reduction="sum").item() for x, y in validation]
    return sum(losses) / 96


@torch.no_grad()
def summed_values(model: Any, validation: Any) -> float:
    model.eval()
    losses = [nn.MSELoss(reduction="sum")(model(x), F.one_hot(y, 3).float()).item() for x, y in validation]
    return sum(losses) / (96 * 3)


@pytest.mark.parametrize("evaluate", [summed, summed_values])
def test_a_sum_over_a_batch_counts_as_its_mean(watched, evaluate):
    losses = fit(evaluate)

    noted = [s.evaluation_loss for s in watched.steps if s.evaluation_s is not None]
    assert noted == pytest.approx(losses[:2])


def test_a_sum_is_not_divided_where_somebody_counts_operations(watched):
    class Seen(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            operations.append(str(func))
            return func(*args, **(kwargs or {}))

    def counting(model: Any, validation: Any) -> None:
        with Seen():
            summed(model, validation)

    operations: list[str] = []
    fit(counting)

    assert operations
    assert not [name for name in operations if "div" in name]


def test_two_evaluations_in_one_line_are_two(watched):
    model, seen, unseen = net(), blobs(64), blobs(32)
    opt = torch.optim.SGD(model.parameters(), 0.05)

    @torch.no_grad()
    def loss(data: Any) -> float:
        return F.cross_entropy(model(data.tensors[0]), data.tensors[1]).item()

    told = []
    for _ in range(3):
        opt.zero_grad()
        F.cross_entropy(model(seen.tensors[0]), seen.tensors[1]).backward()
        opt.step()
        told.append((loss(seen), loss(unseen)))
    pytorch.uninstall()

    assert of_steps(watched) == [(1, 2, 96), (2, 2, 96)]
    assert [s.evaluation_loss for s in watched.steps[1:]] == pytest.approx([latest for _, latest in told[:2]])
