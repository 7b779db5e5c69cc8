"""Numbers of tensors: exact for small ones, sampled for large ones, and none where there are none."""

import gc
import math
import weakref
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from otel_mldebug.instrument.training.devices.pinned import Devices  # noqa: E402
from otel_mldebug.instrument.training.looks.sheet import Readings, Sheet  # noqa: E402
from otel_mldebug.rules.looks import Stats  # noqa: E402


def measured(*tensors: Any, most: int = 100, exact: bool = False) -> list[Stats | None]:
    sheet = Sheet(torch, Devices(torch))
    slots = [sheet.add(tensor, most, exact=exact) for tensor in tensors]
    sheet.measure(Readings())
    return [slot.stats() if slot is not None else None for slot in slots]


def digest(tensor: Any) -> int:
    sheet = Sheet(torch, Devices(torch))
    slot = sheet.add(tensor, 100, digest=True)
    sheet.measure(Readings())
    assert slot is not None
    return slot.digest()


def test_a_small_tensor_is_measured_exactly():
    (found,) = measured(torch.tensor([[3.0, 0.0], [-4.0, 0.0]]))

    assert found == Stats(size=4, norm=5.0, mean=-0.25, std=pytest.approx(2.48747), low=-4.0, high=3.0, zero=0.5)


def test_what_is_not_finite_is_counted_and_left_out():
    (found,) = measured(torch.tensor([3.0, math.nan, 4.0, math.inf]))

    assert found == Stats(size=4, norm=5.0, mean=3.5, std=0.5, low=3.0, high=4.0, nonfinite=0.5)


def test_a_tensor_without_any_finite_element_has_no_values():
    (found,) = measured(torch.full((3,), math.nan))

    assert found == Stats(size=3, norm=0.0, mean=0.0, std=0.0, low=0.0, high=0.0, nonfinite=1.0)


def test_finite_numbers_whose_squares_overflow_have_a_norm():
    (found,) = measured(torch.tensor([3e30, 4e30]))

    assert found is not None
    assert (found.norm, found.nonfinite) == (pytest.approx(5e30), 0.0)


@pytest.mark.parametrize(
    ("tensor", "low", "high"),
    [
        (torch.tensor([1, 5, 3]), 1.0, 5.0),
        (torch.tensor([True, False]), 0.0, 1.0),
        (torch.tensor([1 + 2j, 3 - 4j]), -4.0, 3.0),
        (torch.tensor([1.0, 2.0], dtype=torch.float16), 1.0, 2.0),
        (torch.tensor([1.0, 2.0], dtype=torch.float64), 1.0, 2.0),
        (torch.sparse_coo_tensor([[0, 2]], [1.0, 7.0], (4,), check_invariants=True), 1.0, 7.0),
        (torch.tensor(7.0), 7.0, 7.0),
        (torch.ones(2, 3).t() * 2, 2.0, 2.0),
        (torch.ones(1).expand(50), 1.0, 1.0),
    ],
    ids=["int", "bool", "complex", "half", "double", "sparse", "scalar", "transposed", "expanded"],
)
def test_every_kind_of_tensor_has_numbers(tensor, low, high):
    (found,) = measured(tensor)

    assert found is not None
    assert (found.low, found.high) == (low, high)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.empty(3, device="meta"),
        torch.ones(3).as_subclass(type("Own", (torch.Tensor,), {})),
    ],
    ids=["meta", "somebody's own"],
)
def test_what_cannot_be_computed_with_has_none(tensor):
    assert measured(tensor) == [None]


def test_an_empty_tensor_has_the_size_0():
    assert measured(torch.empty(0, 3)) == [Stats(size=0, norm=0.0, mean=0.0, std=0.0, low=0.0, high=0.0)]


def test_subnormal_numbers_are_tiny_by_the_type_of_the_tensor():
    half, single = measured(torch.tensor([1e-6, 0.0, 1.0, 1.0], dtype=torch.float16), torch.tensor([1e-6, 0.0, 1, 1]))

    assert half is not None
    assert single is not None
    assert (half.tiny, half.zero) == (0.25, 0.25)
    assert (single.tiny, single.zero) == (0.0, 0.25)


def test_a_large_tensor_is_sampled_over_all_its_columns():
    tensor = torch.arange(64.0).repeat(1000, 1)
    (found,) = measured(tensor, most=2048)

    assert found is not None
    assert found.size == 64_000
    assert (found.low, found.high) == (0.0, 63.0)
    assert found.mean == pytest.approx(31.5, rel=0.01)
    assert found.norm == pytest.approx(float(tensor.norm()), rel=0.01)


def test_the_norm_of_a_sampled_tensor_is_exact_where_that_is_asked_for():
    rare = torch.zeros(100_000)
    rare[77_777] = 3.0
    loose, exact = measured(rare), measured(rare, exact=True)

    assert (loose[0] and loose[0].norm, exact[0] and exact[0].norm) == (0.0, 3.0)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_samples_of_images_see_the_whole_of_them(layout):
    images = torch.rand(8, 3, 32, 32).to(memory_format=layout)
    images[7, 2] = 5.0
    (found,) = measured(images, most=4096)

    assert found is not None
    assert found.high == 5.0
    assert found.mean == pytest.approx(float(images.mean()), rel=0.05)


def test_a_tensor_that_cannot_be_flattened_is_not_copied_whole():
    wide = torch.rand(1000, 50)[:, ::2]
    (found,) = measured(wide, most=100)

    assert found is not None
    assert found.size == 25_000
    assert found.mean == pytest.approx(0.5, abs=0.2)


def test_a_digest_tells_contents_apart():
    a = torch.rand(5, 3)

    assert digest(a) == digest(a.clone()) == digest(a.t().contiguous().t())
    assert len({digest(a), digest(a.flip(0)), digest(a + 1e-7), digest(torch.zeros(5, 3)), digest(-a)}) == 5


def test_the_same_tensor_is_measured_once():
    sheet = Sheet(torch, Devices(torch))
    tensor = torch.rand(4)

    assert sheet.add(tensor, 100) is sheet.add(tensor.detach(), 100)
    assert sheet.add(tensor, 100) is not sheet.add(tensor, 100, digest=True)


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(width=32) | st.just(0.0), min_size=1, max_size=20), min_size=2, max_size=5))
def test_tensors_of_several_lengths_have_the_numbers_that_each_has_alone(several):
    tensors = [torch.tensor(values, dtype=torch.float32) for values in several]
    together, alone = Sheet(torch, Devices(torch)), Sheet(torch, Devices(torch))
    found = [together.add(tensor, 100, digest=True) for tensor in tensors]
    together.measure(Readings())

    for slot, tensor in zip(found, tensors, strict=True):
        own = alone.add(tensor, 100, digest=True)
        alone.measure(Readings())
        assert slot is not None
        assert own is not None
        assert slot.digest() == own.digest()
        # What adds up to next to nothing is as exact as what was added up.
        small = 1e-6 * max((abs(v) for v in tensor.tolist() if math.isfinite(v)), default=0.0) + 1e-20
        assert asdict(slot.stats()) == pytest.approx(asdict(own.stats()), rel=1e-5, abs=small)


def test_weights_that_are_compared_stay_what_they_are():
    sheet = Sheet(torch, Devices(torch))
    weight, kept = torch.tensor([1.0, 2.0]), []
    slot = sheet.add(weight, 100)
    sheet.measure(Readings(), kept)
    (stack, slots), weight[0] = kept[0], 5.0
    now = sheet.stacked([weight], 100)

    assert (stack.tolist(), slots, now.tolist()) == ([[1.0, 2.0]], [slot], [[5.0, 2.0]])


def test_a_sheet_that_has_been_measured_holds_no_tensor():
    sheet = Sheet(torch, Devices(torch))
    tensor = torch.rand(4)
    alive = weakref.ref(tensor)
    sheet.add(tensor, 100, exact=True, digest=True)
    sheet.scalar(tensor[0])
    sheet.measure(Readings())
    del tensor
    gc.collect()

    assert alive() is None


@settings(deadline=None)
@given(st.lists(st.floats(width=32) | st.just(0.0), min_size=1, max_size=30))
def test_whatever_the_elements_are_shares_and_limits_hold(values):
    (found,) = measured(torch.tensor(values, dtype=torch.float32))
    finite = [v for v in values if math.isfinite(v)]

    assert found is not None
    assert found.size == len(values)
    assert found.nonfinite == pytest.approx(1 - len(finite) / len(values))
    assert found.zero == pytest.approx(sum(v == 0 for v in values) / len(values))
    if finite:
        assert (found.low, found.high) == (min(finite), max(finite))
        assert found.norm == pytest.approx(math.hypot(*finite), rel=1e-5, abs=1e-18)
