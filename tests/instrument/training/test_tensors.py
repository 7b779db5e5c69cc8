"""Gradients of every kind, models without parameters, distributed training: read where possible, never in the way."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

from otel_mldebug.instrument.training.tensors.gradients import Gradients, total  # noqa: E402
from otel_mldebug.instrument.training.tensors.health import damage, tensors_of  # noqa: E402


def norms(*gradients: Any) -> list[float]:
    reader = Gradients(torch)
    _, usable = reader.usable([None] * len(gradients), list(gradients))
    return reader.read(usable) if usable else []


@pytest.mark.parametrize(
    ("gradient", "norm"),
    [
        pytest.param(torch.tensor([3.0, 4.0]), [5.0], id="float32"),
        pytest.param(torch.tensor([3.0, 4.0], dtype=torch.float64), [5.0], id="float64"),
        pytest.param(torch.full((4,), 60000.0, dtype=torch.float16), [120000.0], id="float16 whose norm overflows it"),
        pytest.param(torch.tensor([3.0, 4.0], dtype=torch.bfloat16), [5.0], id="bfloat16"),
        pytest.param(torch.tensor([3 + 4j]), [5.0], id="complex"),
        pytest.param(torch.full((4,), 1e30), [2e30], id="float32 whose squares overflow it"),
        pytest.param(torch.tensor([math.nan, 1.0]), [math.nan], id="NaN"),
        pytest.param(torch.tensor([math.inf, 1.0]), [math.inf], id="infinite"),
        pytest.param(torch.eye(2).to_sparse(), [math.sqrt(2)], id="sparse"),
        pytest.param(torch.zeros(3, device="meta"), [], id="meta"),
        pytest.param(torch.zeros(0), [], id="empty"),
    ],
)
def test_the_norm_of_a_gradient(gradient, norm):
    assert norms(gradient) == pytest.approx(norm, nan_ok=True, rel=1e-3)


@pytest.mark.parametrize(
    ("parts", "whole"),
    [([3.0, 4.0], 5.0), ([], 0.0), ([1e200, 1e200], math.sqrt(2) * 1e200), ([math.inf, 1.0], math.inf)],
)
def test_the_norm_of_all_gradients(parts, whole):
    assert total(parts) == pytest.approx(whole)


def test_nan_wins_over_infinity():
    assert math.isnan(total([math.inf, math.nan, 1.0]))


def test_what_is_wrong_with_a_tensor_is_counted():
    found = damage(torch, torch.tensor([1.0, math.nan, math.inf, -math.inf, -2.0]))

    assert found is not None
    told = (found.nan, found.above, found.below, found.size, found.low, found.high, found.format)
    assert told == (1, 1, 1, 5, -2.0, 1.0, "float32")
    assert not found.mask_like


@pytest.mark.parametrize(
    ("values", "mask"),
    [
        pytest.param([0.0, -math.inf], True, id="a mask"),
        pytest.param([0.0, -0.5, -1.0, -math.inf], True, id="a mask with biases by distance"),
        pytest.param([-math.inf, -math.inf], True, id="all masked"),
        pytest.param([1.5, -0.2, -math.inf], False, id="the logarithm of a zero among features"),
        pytest.param([-0.1] * 99 + [-0.2, -math.inf], False, id="of one in a hundred shares"),
    ],
)
def test_masks_are_told_from_logarithms_of_zero(values, mask):
    found = damage(torch, torch.tensor(values))
    assert found is not None
    assert found.mask_like == mask


@pytest.mark.parametrize(
    "fine",
    [
        torch.zeros(3),
        torch.zeros(3, dtype=torch.long),
        torch.zeros(0),
        torch.full((2,), math.nan, device="meta"),
        torch.eye(2).to_sparse(),
    ],
    ids=["finite", "integers", "empty", "meta", "sparse"],
)
def test_nothing_is_wrong_with(fine):
    assert damage(torch, fine) is None


def test_tensors_of_a_batch_are_found_with_their_place():
    class Batch:
        def __init__(self) -> None:
            self.x = torch.zeros(1)

    batch = [{"image": torch.zeros(2), "name": "a"}, (torch.zeros(3), 5), Batch()]

    assert [(place, t.numel()) for place, t in tensors_of(torch, batch)] == [
        ("batch[0]['image']", 2),
        ("batch[1][0]", 3),
        ("batch[2].x", 1),
    ]


def test_sparse_gradients_are_watched(watched):
    table = nn.Embedding(10, 4, sparse=True)
    opt = torch.optim.SparseAdam(list(table.parameters()))
    for step in range(3):
        loss = table(torch.tensor([1, 2, 3])).sum()
        (loss * (1.0 if step < 2 else 2.0)).backward()
        opt.step()
        opt.zero_grad()

    assert [s.gradient_norm for s in watched.steps] == pytest.approx([math.sqrt(12), math.sqrt(12), 2 * math.sqrt(12)])


def test_a_loss_that_is_not_one_number_has_no_objective(watched):
    weight = nn.Parameter(torch.ones(3))
    opt = torch.optim.SGD([weight], 0.1)
    (weight * 2).backward(torch.ones(3))
    opt.step()
    torch.autograd.backward([weight.sum(), (weight * 2).sum()])
    opt.step()

    assert [(s.loss, s.backward_calls) for s in watched.steps] == [(None, 1), (None, 1)]


def test_gradients_of_gradients_are_watched_and_leave_no_graph(watched):
    weight = nn.Parameter(torch.ones(3))
    opt = torch.optim.SGD([weight], 0.1)
    for _ in range(3):
        loss = (weight**3).sum()
        [gradient] = torch.autograd.grad(loss, weight, create_graph=True)
        (gradient**2).sum().backward()
        opt.step()
        opt.zero_grad()

    assert len(watched.steps) == 3
    assert all(s.gradient_norm is not None for s in watched.steps)


def test_nothing_of_ours_shows_up_in_a_dispatch_mode_of_the_user(watched):
    from torch.utils._python_dispatch import TorchDispatchMode

    class Names(TorchDispatchMode):
        seen: list[str] = []  # noqa: RUF012

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.seen.append(func.__name__)
            return func(*args, **(kwargs or {}))

    net = nn.Linear(3, 1)
    opt = torch.optim.SGD(net.parameters(), 0.1, foreach=False)
    with Names() as mode:
        net(torch.ones(2, 3)).sum().backward()
        opt.step()

    assert not [name for name in mode.seen if "norm" in name or "scalar" in name]
    assert [(s.loss, s.gradient_norm) for s in watched.steps] == [(None, None)]


def test_learning_rates_may_be_tensors_and_integers(watched):
    weight = nn.Parameter(torch.ones(3))
    for rate in (torch.tensor(0.5), 1):
        opt = torch.optim.SGD([weight], rate)
        weight.sum().backward()
        opt.step()

    assert [s.learning_rate for s in watched.steps] == [0.5, 1.0]


def test_parameters_that_are_added_in_mid_run_get_names(watched):
    net = nn.Sequential(nn.Linear(3, 3))
    opt = torch.optim.SGD(net.parameters(), 0.01)
    for step in range(4):
        if step == 2:
            net.append(nn.Linear(3, 1))
            opt.add_param_group({"params": net[1].parameters()})
        if step == 3:
            with torch.no_grad():
                net[1].bias[0] = math.nan
        net(torch.ones(2, 3)).sum().backward()
        opt.step()

    assert [where["layer"] for found, where in watched.found if found.rule == "loss.nonfinite"] == ["1.bias"]


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    """A process group of one."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.filterwarnings("ignore")
def test_data_parallel_training_is_watched_under_the_names_of_the_model(watched, group):
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    parallel = nn.parallel.DistributedDataParallel(net)
    opt = torch.optim.SGD(parallel.parameters(), 0.01)
    for step in range(3):
        if step == 2:
            with torch.no_grad():
                net[2].weight[0, 0] = math.nan
        parallel(torch.ones(2, 3)).sum().backward()
        opt.step()

    assert len(watched.steps) == 3
    assert watched.steps[0].gradient_norm > 0
    assert [where["layer"] for _, where in watched.found] == ["2.weight"]
    assert watched.facts["models"] == ["Sequential"]


@pytest.mark.filterwarnings("ignore")
def test_sharded_training_is_read_as_local_shards(watched, group):
    fsdp = pytest.importorskip("torch.distributed.fsdp")
    if not hasattr(fsdp, "fully_shard"):
        pytest.skip("this PyTorch has no FSDP2")
    mesh = torch.distributed.init_device_mesh("cpu", (1,))
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    fsdp.fully_shard(net, mesh=mesh)
    opt = torch.optim.SGD(net.parameters(), 0.01)
    for _ in range(3):
        net(torch.ones(2, 3)).sum().backward()
        opt.step()

    assert len(watched.steps) == 3
    assert all(s.gradient_norm > 0 for s in watched.steps)
