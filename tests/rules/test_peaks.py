"""Model FLOP utilisation: the peaks of GPUs, and what is not known of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.peaks import LATEST, peak, utilisation
from otel_mldebug.rules.steps import StepRecord


@pytest.mark.parametrize(
    ("device", "dtype", "flops"),
    [
        ("NVIDIA A100-SXM4-80GB", "bfloat16", 312e12),
        ("NVIDIA A100 80GB PCIe", "float16", 312e12),
        ("NVIDIA H100 80GB HBM3", "bfloat16", 989e12),
        ("NVIDIA H100 PCIe", "bfloat16", 756e12),
        ("NVIDIA H200", "bfloat16", 989e12),
        ("NVIDIA L4", "float16", 121e12),
        ("Tesla T4", "float16", 65e12),
        ("Tesla V100-SXM2-16GB", "float16", 125e12),
        ("NVIDIA GeForce RTX 4090", "float16", 165.2e12),
    ],
)
def test_peaks_are_those_of_the_data_sheets_without_sparsity(device, dtype, flops):
    assert peak(device, dtype) == flops


@pytest.mark.parametrize(
    ("device", "dtype"),
    [
        ("NVIDIA A100-SXM4-80GB", "float32"),
        ("Tesla T4", "bfloat16"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "float16"),
        ("NVIDIA GeForce RTX 4090 D", "float16"),
        ("NVIDIA L40", "float16"),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "float16"),
        ("AMD Instinct MI300X", "float16"),
        ("", "float16"),
    ],
)
def test_what_is_not_in_a_data_sheet_has_no_peak(device, dtype):
    assert peak(device, dtype) is None


def record(tokens: int | None, duration_s: float = 0.1) -> StepRecord:
    return StepRecord(index=0, time_ns=0, duration_s=duration_s, tokens=tokens)


def test_utilisation_is_what_the_tokens_need_of_the_latest_steps():
    # 6 * 124 million parameters * 500 000 tokens a second = 3.72e14 of 9.89e14
    records = [record(1, 100.0)] * 10 + [record(50_000)] * LATEST
    assert utilisation(records, 124_000_000, 989e12) == pytest.approx(0.376137, rel=1e-5)


@pytest.mark.parametrize("records", [[], [record(None)] * 5, [record(100, 0.0)], [record(10**9)]])
def test_without_tokens_or_times_or_beyond_the_peak_it_is_absent(records):
    assert utilisation(records, 124_000_000, 989e12) is None


@given(st.lists(st.tuples(st.integers(1, 10**7), st.floats(1e-4, 10.0)), min_size=1, max_size=80))
def test_utilisation_is_a_share(steps):
    share = utilisation([record(tokens, s) for tokens, s in steps], 10**8, 989e12)
    assert share is None or 0 < share <= 1
