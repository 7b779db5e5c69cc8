"""Contracts of tensors: what keeps them, what breaks them, and what is said then."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.errors import UsageError
from otel_mldebug.rules.contracts import Contract, Seen, fits, judge, spell
from otel_mldebug.semconv.names import Category, Severity

LIKE = Seen(place="output", shape=(4, 10), dtype="float32", low=-1.0, high=2.0)


@pytest.mark.parametrize(
    ("shape", "expected", "fit"),
    [
        ((4, 10), (None, 10), True),
        ((4, 10), (4, 10), True),
        ((4, 10), (None, None), True),
        ((), (), True),
        ((0, 10), (None, 10), True),
        ((4, 11), (None, 10), False),
        ((4, 10, 1), (None, 10), False),
        ((40,), (None, 10), False),
        ((), (None,), False),
    ],
)
def test_a_shape_fits_where_every_size_is_as_expected_or_free(shape, expected, fit):
    assert fits(shape, expected) is fit


@pytest.mark.parametrize(("shape", "text"), [((None, 10), "(any, 10)"), ((3,), "(3,)"), ((), "()")])
def test_a_shape_is_spelled_as_people_write_it(shape, text):
    assert spell(shape) == text


@pytest.mark.parametrize(
    "contract",
    [
        pytest.param(Contract(), id="nothing but finite"),
        pytest.param(Contract(shape=(None, 10), dtype="float32", low=-1.0, high=2.0), id="exactly at the limits"),
        pytest.param(Contract(dtype=("float16", "torch.float32")), id="one of several types"),
    ],
)
def test_what_keeps_its_contract_is_no_finding(contract):
    assert judge(contract, LIKE, layer="head") is None


@pytest.mark.parametrize(
    ("contract", "rule", "summary"),
    [
        (Contract(shape=(None, 9)), "contract.shape", "The output of head has shape (4, 10), expected (any, 9)."),
        (
            Contract(dtype=("int64", "int32")),
            "contract.dtype",
            "The output of head is float32, expected int64 or int32.",
        ),
        (Contract(low=0.0), "contract.range", "The output of head lies in [-1, 2], expected [0, inf]."),
        (Contract(high=1.5), "contract.range", "The output of head lies in [-1, 2], expected [-inf, 1.5]."),
    ],
)
def test_what_breaks_its_contract_is_told_with_both_sides(contract, rule, summary):
    finding = judge(contract, LIKE, layer="head")

    assert (finding.rule, finding.summary, finding.category) == (rule, summary, Category.MODEL)
    assert finding.evidence["layer"] == "head"
    assert len(finding.solutions) >= 2


def test_values_that_are_not_finite_are_counted_and_worse_than_a_range():
    like = Seen(place="output", shape=(2, 5), dtype="float32", low=-9.0, high=9.0, nan=3, infinite=1)
    finding = judge(Contract(low=0.0), like, layer="body.fc")

    assert finding.rule == "contract.nonfinite"
    assert finding.severity == Severity.ERROR
    assert finding.summary == (
        "The output of body.fc holds values that are not finite: 3 NaN and 1 infinite of 10."
    )  # fmt: skip
    assert judge(Contract(finite=False), like, layer="body.fc") is None


def test_what_the_caller_hands_in_is_the_callers_fault():
    like = Seen(place="input[0]", shape=(2,), dtype="float32", nan=1)

    assert judge(Contract(), like, layer="Net", root=True).category == Category.INPUT_VALIDATION
    assert "The data hold them already." in judge(Contract(), like, layer="Net", root=True).cause
    assert "between the layer before and this one" in judge(Contract(), like, layer="fc").cause


sizes = st.lists(st.integers(0, 9), max_size=4)
expected = st.lists(st.none() | st.integers(0, 9), max_size=4)
numbers = st.none() | st.floats(allow_nan=False)
ranges = st.tuples(numbers, numbers).filter(lambda ends: None in ends or ends[0] <= ends[1])


@given(
    st.builds(lambda shape, ends: Contract(shape=shape, low=ends[0], high=ends[1]), st.none() | expected, ranges),
    st.builds(
        Seen, place=st.sampled_from(["input", "output[1]"]), shape=sizes.map(tuple), low=numbers, high=numbers,
        nan=st.integers(0, 3), infinite=st.integers(0, 3),
    ),
)  # fmt: skip
def test_no_tensor_makes_a_contract_raise(contract, like):
    finding = judge(contract, like, layer="x")
    assert finding is None or finding.rule.startswith("contract.")


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        pytest.param({"shape": "10"}, "shape='10': give a size for each dimension", id="text"),
        pytest.param({"shape": 10}, "shape=10: give a size for each dimension", id="one number"),
        pytest.param({"shape": (None, -1)}, "None for any: (None, 10)", id="minus one for any"),
        pytest.param({"shape": (None, 2.5)}, "None for any: (None, 10)", id="no whole number"),
        pytest.param({"low": 3, "high": 1}, "low=3, high=1: no value lies between them.", id="an empty range"),
        pytest.param({"low": math.nan, "high": 1}, "no value lies between them.", id="a limit that is no number"),
    ],
)
def test_a_contract_that_nothing_can_keep_is_refused(limits, said):
    with pytest.raises(UsageError) as caught:
        Contract(**limits)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("limits", "like"),
    [
        ({"shape": ()}, {"shape": ()}),
        ({"shape": [None, 0]}, {"shape": (4, 0)}),
        ({"low": 1, "high": 1}, {"low": 1.0, "high": 1.0}),
        ({"high": math.inf}, {"low": 0.0, "high": 9e99}),
    ],
)
def test_contracts_at_the_edge_are_taken_and_can_be_kept(limits, like):
    assert judge(Contract(**limits), Seen(place="output", **like), layer="x") is None
