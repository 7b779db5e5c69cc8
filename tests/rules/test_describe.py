"""Values are described by what they are, without printing or waiting."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.describe import MAX_TOTAL, describe, shorten


@dataclass
class Config:
    lr: float
    api_key: str


class Loud:
    def __repr__(self):
        raise AssertionError("printed")

    __str__ = __getattr__ = __repr__


class Sneaky(dict):
    def items(self):
        raise AssertionError("asked")

    __len__ = __iter__ = items


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "None", id="None"),
        pytest.param(True, "True", id="bool"),
        pytest.param(3, "3", id="int"),
        pytest.param(1 << 100_000, "int of 100001 bits", id="an int too long to print"),
        pytest.param(float("nan"), "nan", id="NaN"),
        pytest.param("a\nb", "'a\\nb'", id="text"),
        pytest.param(b"x" * 2048, "bytes of 2.00 KiB", id="bytes"),
        pytest.param(PurePosixPath("/data/x"), "'/data/x'", id="path"),
        pytest.param([1, 2], "[1, 2]", id="list"),
        pytest.param((1,), "(1)", id="tuple"),
        pytest.param(list(range(100)), "[0, 1, 2, 3, 4, 5, 6, 7, … 100 in all]", id="wide list"),
        pytest.param([[[[1]]]], "[[[list of 1]]]", id="deep list"),
        pytest.param({"a": 1}, "{'a': 1}", id="mapping"),
        pytest.param({3}, "set{3}", id="set"),
        pytest.param(Config(0.1, "s"), "Config(lr=0.1, api_key='s')", id="dataclass"),
        pytest.param(Loud(), f"{__name__}.Loud", id="an object that raises when printed"),
        pytest.param([Loud()], f"[{__name__}.Loud]", id="inside a list"),
        pytest.param(Sneaky(a=1), "Sneaky{'a': 1}", id="a mapping with methods of its own"),
        pytest.param(describe, "function describe", id="function"),
        pytest.param(pytest, "module pytest", id="module"),
        pytest.param(int, "class int", id="class"),
        pytest.param(ValueError("secret"), "ValueError", id="an exception"),
    ],
)
def test_description(value, text):
    assert describe(value) == text


def test_a_list_that_holds_itself_ends():
    value = [1]
    value.append(value)
    assert describe(value) == "[1, [1, [1, list of 2]]]"


def test_a_mask_hides_values_by_name():
    def mask(name):
        return "***" if "key" in name else None

    value = {"api_key": "s3cret", "n": [{"key": 1}], "config": Config(0.1, "s")}
    assert describe(value, mask=mask) == "{'api_key': ***, 'n': [{'key': ***}], 'config': Config(lr=0.1, api_key=***)}"


def test_numpy_arrays_and_scalars_are_described():
    np = pytest.importorskip("numpy")
    assert describe(np.zeros((3, 4), dtype="float32")) == "ndarray(shape=[3, 4], dtype=float32, 48 bytes)"
    assert describe(np.float32(1.5)) == "float32(1.5)"
    assert describe(np.zeros((), dtype="int8")) == "ndarray(shape=[], dtype=int8, 1 bytes)"


@pytest.mark.torch
def test_tensors_and_modules_are_described():
    torch = pytest.importorskip("torch")
    tensor = torch.zeros(2, 3, dtype=torch.float16)
    layer = torch.nn.Linear(2, 2)
    assert describe(tensor) == "Tensor(shape=[2, 3], dtype=float16, device=cpu, 12 bytes)"
    assert describe(layer.weight) == "Parameter(shape=[2, 2], dtype=float32, device=cpu, 16 bytes, requires_grad)"
    assert describe(torch.nn.Sequential(layer).eval()) == "Sequential(module, 1 children, eval)"


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [("abc", 3, "abc"), ("abcdefghij", 6, "abc…ij"), ("", 5, ""), ("x" * 201, 200, "x" * 132 + "…" + "x" * 67)],
)
def test_shortening_keeps_both_ends(text, limit, short):
    assert shorten(text, limit) == short
    assert len(shorten(text, limit)) <= limit


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children) | st.tuples(children),
)


@given(json_like)
def test_any_value_has_a_bounded_description(value):
    assert 0 < len(describe(value)) <= MAX_TOTAL
