"""`parameter_report(model)`: what it says of every kind of parameter."""

import json

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

from otel_mldebug import parameter_report  # noqa: E402


def test_counts_norms_and_notes_of_an_ordinary_model():
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    net[0].bias.requires_grad_(False)
    with torch.no_grad():
        net[0].weight.fill_(2.0)
    net[0].weight.grad = torch.ones(2, 3) * 3
    report = parameter_report(net)

    assert (report.model, report.count, report.trainable, report.frozen) == ("Sequential", 12, 10, 2)
    assert report.size_bytes == 12 * 4 + 2 * 2 * 4 + 8
    row = report.rows[0]
    assert (row.name, row.shape, row.dtype, row.device, row.size) == ("0.weight", (2, 3), "float32", "cpu", 6)
    assert row.gradient.norm == pytest.approx(3 * 6**0.5)
    assert (row.stats.norm, row.stats.mean, row.stats.std) == pytest.approx((24**0.5, 2.0, 0.0))
    assert report.faults == ()
    text = str(report)
    assert text.splitlines()[0] == "Sequential: 12 parameters, 2 frozen (17%), 0.0 MiB"
    assert "frozen" in text.splitlines()[3]
    assert "buffer" in text
    assert json.loads(json.dumps(report.to_json()))["rows"][0]["layer"] == "0"


def test_a_shared_parameter_is_counted_once_and_named():
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    net[1].weight = net[0].weight
    report = parameter_report(net)

    assert (report.count, report.size_bytes) == (16, 64)
    assert [row.shared_with for row in report.rows] == ["", "0.weight"]


def test_what_is_wrong_is_said_in_words():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.LazyLinear(3))
    with torch.no_grad():
        net[0].bias[0] = float("nan")
        net[1].weight.zero_()

    assert parameter_report(net).faults == (
        "0.bias holds NaN or infinite values",
        "2.weight has no shape yet: run a forward pass first",
        "2.bias has no shape yet: run a forward pass first",
        "1.weight is all zeros",
    )
    assert parameter_report(nn.Linear(2, 2).requires_grad_(False)).faults == ("no parameter requires gradients",)


def test_a_model_without_parameters_has_a_report():
    report = parameter_report(nn.ReLU())

    assert (report.count, report.frozen, report.rows, report.faults) == (0, 0, (), ())
    assert str(report) == "ReLU: 0 parameters, 0 frozen (0%), 0.0 MiB"


def test_a_compiled_model_has_the_names_of_its_own():
    assert [r.name for r in parameter_report(torch.compile(nn.Linear(1, 1), backend="eager")).rows] == [
        "weight",
        "bias",
    ]


class Odd(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.meta = nn.Parameter(torch.empty(2, 3, device="meta"))
        self.complex = nn.Parameter(torch.ones(2, dtype=torch.complex64))
        self.sparse = nn.Parameter(torch.eye(3).to_sparse())
        self.empty = nn.Parameter(torch.empty(0))
        self.brain = nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
        self.register_buffer("bytes", torch.zeros(2, dtype=torch.uint8))
        self.register_buffer("eight", torch.ones(2).to(torch.float8_e4m3fn))


def test_every_kind_of_tensor_has_a_row():
    rows = {row.name: row for row in parameter_report(Odd()).rows}

    assert {name: (row.shape, row.dtype, row.stats is not None) for name, row in rows.items()} == {
        "meta": ((2, 3), "float32", False),
        "complex": ((2,), "complex64", False),
        "sparse": ((3, 3), "float32", True),
        "empty": ((0,), "float32", False),
        "brain": ((2,), "bfloat16", True),
        "bytes": ((2,), "uint8", False),
        "eight": ((2,), "float8_e4m3fn", True),
    }
    assert str(parameter_report(Odd())).count("\n") == 8
