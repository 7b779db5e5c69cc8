"""Numbers, durations, bars and sparklines as text."""

import io
import math
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.cli import render
from otel_mldebug.cli.common import moment
from otel_mldebug.cli.finding_table import seen, spans
from otel_mldebug.cli.render import Look
from otel_mldebug.cli.training import parse_steps
from otel_mldebug.errors import UsageError

PLAIN, ASCII = Look(), Look(unicode=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00 µs"),
        (0.000_000_5, "0.50 µs"),
        (0.000_64, "640 µs"),
        (0.000_999_9, "1.00 ms"),
        (0.0123, "12.3 ms"),
        (0.9996, "1.00 s"),
        (4.56, "4.56 s"),
        (59.9, "59.9 s"),
        (59.96, "1 min 00 s"),
        (192, "3 min 12 s"),
        (7500, "2 h 05 min"),
        (-0.5, "-500 ms"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
    ],
)
def test_seconds(value, text):
    assert render.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.302585, "2.303"),
        (1.2e-5, "1.2e-05"),
        (0.0, "0"),
        (123456.7, "123,457"),
        (1e12, "1e+12"),
        (1234567, "1,234,567"),
        (10**30, "1e+30"),
        pytest.param(10**5000, "huge", id="huge"),
        (True, "True"),
        ("NaN", "NaN"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
    ],
)
def test_numbers(value, text):
    assert render.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (2 * 2**30, "2.00 GiB"), (2**60, "1048576 TiB")],
)
def test_sizes(value, text):
    assert render.size(value) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("free_bytes", 2**30, "1.00 GiB"),
        ("waited_s", 0.25, "250 ms"),
        ("data_share", 0.004, "0.4 %"),
        ("data_share", 0, "0 %"),
        ("shape", [3, 4], "(3, 4)"),
        ("sizes_bytes", [1024, 2048], "(1.00 KiB, 2.00 KiB)"),
        ("free_bytes", "NaN", "NaN"),
        ("used_s", True, "True"),
        ("text", "a\x1b[31m\nb", "a [31m b"),
    ],
)
def test_evidence_in_the_unit_of_its_name(name, value, text):
    assert render.quantity(name, value) == text


@pytest.mark.parametrize(
    ("share", "look", "text"),
    [
        (0, PLAIN, "    "),
        (1, PLAIN, "████"),
        (0.5, PLAIN, "██  "),
        (0.53125, PLAIN, "██▏ "),
        (0.0001, PLAIN, "▏   "),
        (7, PLAIN, "████"),
        (-1, PLAIN, "    "),
        (0.5, ASCII, "##  "),
        (0.0001, ASCII, "#   "),
    ],
)
def test_bars(share, look, text):
    assert render.bar(share, 4, look) == text


@pytest.mark.parametrize(
    ("values", "bad", "look", "text"),
    [
        pytest.param([], (), PLAIN, "", id="nothing"),
        pytest.param([1, 2, 3], (), PLAIN, "▁▅█", id="rising"),
        pytest.param([1, None, 3], (), PLAIN, "▁ █", id="a gap"),
        pytest.param([2, 2, 2], (), PLAIN, "▅▅▅", id="flat"),
        pytest.param([0.1, 0.1 + 1e-12], (), PLAIN, "▅▅", id="flat but for rounding"),
        pytest.param([1, math.nan, math.inf, 3], (), PLAIN, "▁✗✗█", id="not finite"),
        pytest.param([1, 2, 3], (False, True), PLAIN, "▁✗█", id="marked"),
        pytest.param([1, 2, 3, math.nan], (), ASCII, "_+@x", id="ASCII"),
        pytest.param([math.nan, None], (), PLAIN, "✗ ", id="nothing finite"),
        pytest.param([-1.7e308, 1.7e308], (), PLAIN, "▅▅", id="a span that overflows"),
    ],
)
def test_sparklines(values, bad, look, text):
    assert render.sparkline(values, look, bad=bad) == text


@given(st.lists(st.none() | st.floats()), st.booleans())
def test_a_sparkline_has_one_column_a_value(values, unicode):
    assert len(render.sparkline(values, Look(unicode=unicode))) == len(values)


@given(st.text(st.characters()), st.integers(3, 40))
def test_text_that_is_cut_and_filled_has_exactly_that_width(text, width):
    shown = render.pad(render.cut(render.clean(text), width, PLAIN), width)

    assert render.columns(shown) == width
    assert shown.isprintable()


def test_wide_and_combining_characters_are_measured_as_a_terminal_does():
    assert [render.columns(text) for text in ("abc", "損失", "e\u0301")] == [3, 4, 1]


@pytest.mark.parametrize(
    ("terminal", "environ", "colour"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_colours_are_for_terminals_without_no_color(terminal, environ, colour):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    stream.isatty = lambda: terminal
    look = Look.of(stream, environ)

    assert (look.colour, look.unicode) == (colour, True)
    assert look.paint("x", "bad") == ("\x1b[1;31mx\x1b[0m" if colour else "x")


def test_an_encoding_that_is_not_unicode_gets_ascii():
    assert not Look.of(io.TextIOWrapper(io.BytesIO(), encoding="latin-1"), {}).unicode


def test_times_are_local_and_short(monkeypatch):
    now = datetime(2026, 11, 18, 23, 0, tzinfo=timezone.utc).astimezone()
    today, other = "2026-11-18T11:06:40Z", "2026-11-17T11:06:40Z"
    local = datetime(2026, 11, 18, 11, 6, 40, tzinfo=timezone.utc).astimezone()

    assert render.clock("rubbish", now) == "rubbish"
    if local.date() == now.date():
        assert render.clock(today, now) == f"{local:%H:%M:%S}"
        assert render.clock(other, now) == f"2026-11-17 {local:%H:%M:%S}"
        assert seen({"first_seen": today, "last_seen": today}, now) == f"{local:%H:%M:%S}"
        assert seen({"first_seen": other, "last_seen": today}, now).startswith("11-17 - ")
    for first in (today, other):
        for last in (today, "2026-11-18T11:07:10Z"):
            assert len(seen({"first_seen": first, "last_seen": last}, now)) <= 19


@pytest.mark.parametrize(("ranks", "text"), [([], ""), ([3], "3"), ([0, 1, 2, 3], "0-3"), ([7, 0, 1, 3], "0-1, 3, 7")])
def test_ranks_as_ranges(ranks, text):
    assert spans(ranks) == text


@pytest.mark.parametrize(
    ("text", "ago_s"), [("90s", 90), ("10m", 600), ("2h", 7200), ("3d", 259200), ("1.5h", 5400), (" 30 ", 30)]
)
def test_since_is_an_age(text, ago_s):
    assert moment(text, now_ns=10**18) == 10**18 - ago_s * 10**9


def test_since_is_a_time_with_its_zone():
    assert moment("1970-01-01T00:00:01.5+00:00") == 1_500_000_000
    assert moment("1970-01-01T02:00:00+02:00") == 0


@pytest.mark.parametrize("text", ["", "soon", "-5m", "5 weeks", "2026-11-21T14:30:00", "10mm"])
def test_since_says_what_it_takes(text):
    with pytest.raises(UsageError, match=r"expected 90s, 10m, 2h, 3d or a time such as 2026-11-21T14:30:00Z\."):
        moment(text)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (None, (0, None)),
        ("5:9", (5, 9)),
        ("5:", (5, None)),
        (":9", (0, 9)),
        (":", (0, None)),
        ("7", (7, 7)),
        (" 7 ", (7, 7)),
    ],
)
def test_steps(text, steps):
    assert parse_steps(text) == steps


@pytest.mark.parametrize("text", ["", "a", "1:2:3", "-1", "9:5", "٣", "1.5"])
def test_steps_that_cannot_be_understood(text):
    with pytest.raises(UsageError, match=r"--steps .* is not usable"):
        parse_steps(text)
