"""`compare_forward` and `two_runs_agree`: where two passes part, and where two runs do."""

import copy
import random
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

from otel_mldebug.checks import (  # noqa: E402
    ForwardPassesDiffer,
    RunsDiffer,
    compare_forward,
    forward_passes_agree,
    two_runs_agree,
)


def model() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Dropout(0.5), nn.Linear(16, 4))


def test_a_model_agrees_with_its_copy_in_every_layer():
    net = model()
    found = compare_forward(net, copy.deepcopy(net), torch.randn(3, 8))

    assert [(r.layer, r.call, r.largest, r.types) for r in found.rows] == [
        ("0", 0, 0.0, "float32"),
        ("1", 0, 0.0, "float32"),
        ("2", 0, 0.0, "float32"),
        ("3", 0, 0.0, "float32"),
        ("Sequential", 0, 0.0, "float32"),
    ]
    assert found.first is None
    assert net.training
    assert not net[0]._forward_hooks


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_another_precision_agrees_as_far_as_it_goes(dtype):
    net = model()
    forward_passes_agree(net, copy.deepcopy(net).to(dtype), torch.randn(3, 8))
    kind = str(dtype).rpartition(".")[2]
    assert compare_forward(net, copy.deepcopy(net).to(dtype), torch.randn(3, 8)).rows[0].types == f"float32 / {kind}"


def test_the_first_layer_that_differs_is_named():
    net, other = model(), model()
    with torch.no_grad():
        other[3].weight[0, 0] += 1.0
    with pytest.raises(ForwardPassesDiffer, match="The outputs differ from 3 on") as caught:
        forward_passes_agree(net, other, torch.randn(3, 8))

    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines if line.endswith("differs")] == ["3", "Sequential"]
    forward_passes_agree(net, other, torch.randn(3, 8), tolerance=10.0)


def test_values_that_are_not_finite_agree_only_with_their_like():
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    b.load_state_dict(a.state_dict())
    x = torch.tensor([[float("nan"), 1.0]])
    forward_passes_agree(a, b, x)
    with torch.no_grad():
        b.bias[0] = float("inf")
    with pytest.raises(ForwardPassesDiffer, match="by inf of its largest output"):
        forward_passes_agree(a, b, torch.ones(1, 2))


def test_outputs_of_another_shape_differ_and_nothing_in_common_is_said():
    with pytest.raises(ForwardPassesDiffer, match="differ from Linear on: by inf"):
        forward_passes_agree(nn.Linear(2, 2), nn.Linear(2, 3), torch.ones(1, 2))

    class Silent(nn.Module):
        def forward(self, x: Any) -> None:
            return None

    with pytest.raises(ForwardPassesDiffer, match="nothing to compare"):
        forward_passes_agree(Silent(), Silent(), torch.ones(1))


def test_a_compiled_model_is_compared_as_a_whole():
    net = model()
    found = compare_forward(net, torch.compile(net, backend="eager"), torch.randn(3, 8))

    assert [(r.layer, r.agrees) for r in found.rows] == [("Sequential", True)]
    assert str(found).startswith("Only whole outputs are compared")


def train(noise: Any = None, backward: Any = None) -> Any:
    net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(3):
        opt.zero_grad()
        x = torch.randn(4, 4)
        net(x if noise is None else x + noise()).square().mean().backward()
        if backward is not None:
            net[0].weight.grad += backward()
        opt.step()
    return net, random.random()


def test_two_runs_that_are_seeded_agree_and_leave_random_numbers_alone():
    torch.manual_seed(5)
    random.seed(5)
    expected = torch.rand(1), random.random()
    torch.manual_seed(5)
    random.seed(5)
    two_runs_agree(train)

    assert (torch.rand(1), random.random()) == expected


def counting() -> Any:
    runs: list[int] = []

    def first_run_only() -> float:
        runs.append(1)
        return 0.0 if len(runs) <= 3 else 1.0

    return first_run_only


def test_data_that_differ_are_told_as_data():
    noise = counting()
    with pytest.raises(RunsDiffer, match=r"the input of Sequential in its call 0\. So it is the data"):
        two_runs_agree(lambda: train(noise))


def test_a_layer_that_draws_numbers_of_its_own_is_named():
    generator = torch.Generator()

    class Noise(nn.Module):
        def forward(self, x: Any) -> Any:
            return x + torch.randn(x.shape, generator=generator)

    def run() -> Any:
        net = nn.Sequential(nn.Linear(2, 2), Noise(), nn.ReLU())
        return net(torch.ones(1, 2)).sum().item()

    with pytest.raises(RunsDiffer, match=r"the output of Sequential\.1 in its call 0\. Its input agrees"):
        two_runs_agree(run)


def test_a_difference_in_backward_shows_in_the_weights_of_the_next_pass():
    grow = counting()
    with pytest.raises(RunsDiffer, match=r"output of Sequential\.0 in its call 1\. Its input agrees"):
        two_runs_agree(lambda: train(backward=grow))


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([1.0, 2.0], "result is 1.0 and 2.0"),
        ([[1, 2], [1]], "the first returns 2 values, the second 1"),
        ([{"a": torch.ones(2)}, {"a": torch.zeros(2)}], r"result\['a'\] differs by up to 1"),
        ([torch.ones(2), torch.ones(3)], "result is"),
        ([torch.ones(1), torch.full((1,), float("nan"))], "differs by up to nan"),
        (["x", "y"], "'x' and 'y'"),
    ],
)
def test_results_that_differ_are_named(results, message):
    left = iter(results)
    with pytest.raises(RunsDiffer, match=message):
        two_runs_agree(lambda: next(left))


@pytest.mark.parametrize("result", [None, float("nan"), torch.tensor([float("nan")]), {"a": [1, (2.0, "x")]}, []])
def test_results_that_are_the_same_agree(result):
    two_runs_agree(lambda: result)


def test_a_tolerance_allows_for_small_differences():
    left = iter([torch.ones(2), torch.ones(2) + 1e-6, 1.0, 1.0 + 1e-6])
    two_runs_agree(lambda: next(left), tolerance=1e-4)
    two_runs_agree(lambda: next(left), tolerance=1e-4)
