"""RFC 3339, there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.store.times import parse_rfc3339, rfc3339


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T00:00:00.123456789Z", 123_456_789),
        ("1970-01-01T00:00:00.1234567891234Z", 123_456_789),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31 19:00:00.001-05:00", 1_000_000),
        ("1969-12-31t23:59:59.5z", -500_000_000),
    ],
)
def test_times_that_are_read(text, time_ns):
    assert parse_rfc3339(text) == time_ns


@pytest.mark.parametrize(
    "text", [None, 5, "", "now", "2026-11-21", "2026-11-21T14:30:00", "2026-13-01T00:00:00Z", "2026-11-21T25:00:00Z"]
)
def test_what_is_no_time_is_none(text):
    assert parse_rfc3339(text) is None


@given(st.integers(0, 2**63))
def test_a_time_comes_back_to_the_microsecond(time_ns):
    assert parse_rfc3339(rfc3339(time_ns)) == time_ns // 1000 * 1000


@pytest.mark.parametrize("time_ns", [-(2**80), 2**80])
def test_no_number_of_nanoseconds_is_too_much(time_ns):
    assert rfc3339(time_ns) in ("0001-01-01T00:00:00.000000Z", "9999-12-31T00:00:00.000000Z")
