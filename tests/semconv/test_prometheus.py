"""One function knows how a name is spelled in Prometheus; the expected spellings were read off the real Collector."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.semconv import names
from otel_mldebug.semconv.prometheus import label_name, prometheus_name, series_name


@pytest.mark.parametrize(
    ("metric", "series"),
    [
        (names.HW_GPU_UTILIZATION, "hw_gpu_utilization_ratio"),
        (names.MLDEBUG_FINDINGS, "mldebug_findings_total"),
        (names.MLDEBUG_TRAIN_STEP_DURATION, "mldebug_train_step_duration_seconds"),
        (names.MLDEBUG_FUNCTION_TIME, "mldebug_function_time_seconds_total"),
        (names.MLDEBUG_TRAIN_LOSS, "mldebug_train_loss"),
        (names.SYSTEM_MEMORY_USAGE, "system_memory_usage_bytes"),
        (names.HW_TEMPERATURE, "hw_temperature_celsius"),
        (names.HW_POWER, "hw_power_watts"),
        (names.HW_ENERGY, "hw_energy_joules_total"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_metric_is_spelled_as_the_collector_spells_it(metric, series):
    assert prometheus_name(metric) == series


@pytest.mark.parametrize(
    ("name", "unit", "monotonic", "gauge", "series"),
    [
        ("jobs.total", "", True, False, "jobs_total"),
        ("request.seconds", "s", False, True, "request_seconds"),
        ("2xx.share", "1", False, True, "_2xx_share_ratio"),
        ("a..b", "{thing}", False, True, "a_b"),
    ],
    ids=["total is not doubled", "unit is not doubled", "leading digit", "annotation and dots"],
)
def test_edges_of_the_spelling(name, unit, monotonic, gauge, series):
    assert series_name(name, unit, monotonic=monotonic, gauge=gauge) == series


def test_no_two_metrics_share_a_series():
    series = [prometheus_name(metric) for metric in names.METRICS]
    assert sorted(set(series)) == sorted(series)


@given(st.text(min_size=1), st.sampled_from(["", "1", "s", "By", "{x}"]), st.booleans(), st.booleans())
def test_whatever_comes_in_a_legal_name_comes_out(name, unit, monotonic, gauge):
    assert re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*|", series_name(name, unit, monotonic=monotonic, gauge=gauge))


@given(st.text(min_size=1))
def test_whatever_comes_in_a_legal_label_comes_out(key):
    assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", label_name(key))
