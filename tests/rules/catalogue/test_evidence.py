"""Texts become typed values, or are absent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.catalogue.conditions import hold, parse_conditions
from otel_mldebug.rules.catalogue.evidence import PARSERS, parse, readable


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("bytes", "2.00 GiB", 2147483648),
        ("bytes", "20 MB", 20_000_000),
        ("bytes", "512K", 524288),
        ("bytes", "1,024 bytes", 1024),
        ("bytes", "4096", 4096),
        ("bytes", "much", None),
        ("shape", "[32, 10]", (32, 10)),
        ("shape", "64x128", (64, 128)),
        ("shape", "torch.Size([2, -1])", (2, -1)),
        ("shape", "[]", None),
        ("int", "step 1,234", 1234),
        ("int", "none", None),
        ("float", "lr=1e-05", 1e-05),
        ("share", "35%", 0.35),
        ("seconds", "1800000 ms", 1800.0),
        ("seconds", "0:30:00", 1800.0),
        ("seconds", "10 minutes", 600.0),
        ("seconds", "30", 30.0),
        ("seconds", "3 parsecs", None),
        ("dtype", "torch.float16", "float16"),
        ("dtype", "c10::Half", "float16"),
        ("dtype", "torch.cuda.FloatTensor", "float32"),
        ("dtype", "Long", "int64"),
        ("device", " cuda:0'", "cuda:0"),
        ("status", "404", 404),
        ("name", "'torch'", "torch"),
        ("text", "", None),
        ("nonsense", "x", None),
    ],
)
def test_parse(kind, text, value):
    assert parse(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("bytes", 2147483648, "2.00 GiB"),
        ("bytes", 12, "12 bytes"),
        ("seconds", 0.25, "250 ms"),
        ("seconds", 30.0, "30 s"),
        ("seconds", 1800.0, "30 min"),
        ("share", 0.35, "35%"),
        ("shape", (2, 3), "[2, 3]"),
        ("float", 1e-05, "1e-05"),
        ("text", "a", "a"),
        ("status", 404, "404"),
    ],
)
def test_readable(kind, value, text):
    assert readable(kind, value) == text


@given(st.sampled_from(sorted(PARSERS)), st.text(max_size=50))
def test_any_text_is_read_or_absent(kind, text):
    value = parse(kind, text)
    if value is not None:
        assert readable(kind, value)


EVIDENCE = {"free_bytes": 2**30, "wanted_bytes": 2**31, "device": "cuda:0", "shape": (2, 3)}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("free_bytes < 2 GiB", True),
        ("free_bytes >= 1 GiB", True),
        ("free_bytes > 1 GiB", False),
        ("free_bytes < wanted_bytes", True),
        ("wanted_bytes <= free_bytes", False),
        ('device == "cuda:0"', True),
        ("device != 'cuda:0'", False),
        ("device > 3", False),
        ("free_bytes < 2 GiB and device == 'cpu'", False),
        ("missing > 0", False),
        ("shape > 3", False),
    ],
)
def test_conditions(text, holds):
    known = (*EVIDENCE, "missing")
    assert hold(parse_conditions(text, known), EVIDENCE) == holds
