"""What a pattern reads out of a message: text to typed value, value to readable text."""

import re
from collections.abc import Callable, Mapping

from otel_mldebug.rules.facts import Value

_BINARY = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}
_DECIMAL = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
_SIZE = re.compile(r"([\d.,]+)\s*(?:([kmgtp])(i?)b?|bytes?|b)?\b", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?\d[\d,_]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d)(?:\.(\d+))?")
_DURATION = re.compile(r"([\d.]+)\s*([a-zµ]*)", re.IGNORECASE)
_SECONDS = {
    "": 1.0, "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "ms": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3, "us": 1e-6, "µs": 1e-6,
    "m": 60.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0, "h": 3600.0, "hour": 3600.0, "hours": 3600.0,
}  # fmt: skip
_DTYPES = {
    "float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32", "short": "int16",
    "char": "int8", "byte": "uint8", "bfloat16": "bfloat16", "boolean": "bool",
}  # fmt: skip
"""PyTorch's C++ names of scalar types. Source: c10/core/ScalarType.h."""
TEXT_LIMIT = 200
"""Longest text kept as evidence, in characters."""


def size(text: str) -> int:
    """Return bytes: `2.00 GiB`, `20 MB`, `1,024 bytes`, `4096`. `GB` is decimal, `GiB` and a bare `G` are binary."""
    found = _SIZE.search(text)
    if found is None:
        raise ValueError(text)
    digits, unit, binary = found.groups()
    amount = float(digits.replace(",", "").rstrip("."))
    if not unit:
        return int(amount)
    scale = _BINARY if binary or not found.group(0).lower().endswith("b") else _DECIMAL
    return int(amount * scale[unit.lower()])


def shape(text: str) -> tuple[int, ...]:
    """Return the dimensions in `[32, 10]`, `(3, 4)`, `64x128` or `torch.Size([2])`."""
    return tuple(int(part) for part in re.findall(r"-?\d+", text)[:16])


def whole(text: str) -> int:
    """Return the first whole number in `text`."""
    return int(number(text))


def number(text: str) -> float:
    """Return the first number in `text`."""
    found = _NUMBER.search(text)
    if found is None:
        raise ValueError(text)
    return float(found.group(0).replace(",", "").replace("_", ""))


def share(text: str) -> float:
    """Return `35%` as 0.35."""
    return number(text) / 100


def seconds(text: str) -> float:
    """Return seconds: `1800000ms`, `30 s`, `0:30:00`, `10 minutes`; a bare number counts as seconds."""
    if clock := _CLOCK.search(text):
        hours, minutes, rest, _ = clock.groups()
        return float(int(hours) * 3600 + int(minutes) * 60 + int(rest))
    found = _DURATION.search(text)
    if found is None:
        raise ValueError(text)
    return float(found.group(1).rstrip(".")) * _SECONDS[found.group(2).lower()]


def dtype(text: str) -> str:
    """Return the element type in PyTorch's Python spelling: `Half`, `torch.float16` and `c10::Half` are `float16`."""
    name = text.strip().rpartition(".")[2].rpartition("::")[2]
    for ending in ("Tensor", "Type"):
        name = name.removesuffix(ending)
    return _DTYPES.get(name.lower(), name.lower())


def device(text: str) -> str:
    """Return the device: `cuda:0`, `cpu`."""
    return text.strip().strip("'\"").lower()[:40]


def plain(text: str) -> str:
    """Return `text` without surrounding blanks and quotes, bounded."""
    return text.strip().strip("'\"`").strip()[:TEXT_LIMIT]


PARSERS: Mapping[str, Callable[[str], Value]] = {
    "bytes": size,
    "shape": shape,
    "int": whole,
    "float": number,
    "share": share,
    "seconds": seconds,
    "dtype": dtype,
    "device": device,
    "status": whole,
    "host": plain,
    "path": plain,
    "name": plain,
    "text": plain,
}
"""Types that evidence can have. Each returns the value in the registry's unit, or raises ValueError."""


def parse(kind: str, text: str) -> Value | None:
    """Return the value of `text` read as `kind`; None where it does not read, so that evidence is absent, not wrong."""
    try:
        value = PARSERS[kind](text)
    except (ValueError, KeyError, OverflowError):
        return None
    return None if value == "" or value == () else value


def readable_size(count: float) -> str:
    """Return bytes for people: `2.00 GiB`."""
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if abs(count) < 1024 or unit == "TiB":
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.2f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")


def readable_time(duration_s: float) -> str:
    """Return seconds for people: `250 ms`, `30 s`, `10 min`."""
    if duration_s < 1:
        return f"{duration_s * 1000:g} ms"
    return f"{duration_s:g} s" if duration_s < 120 else f"{duration_s / 60:g} min"


def readable(kind: str, value: Value) -> str:
    """Return `value` of type `kind` as text in a sentence."""
    if isinstance(value, tuple):
        return "[" + ", ".join(str(part) for part in value) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if kind == "bytes":
            return readable_size(value)
        if kind == "seconds":
            return readable_time(value)
        if kind == "share":
            return f"{value:.0%}"
    return f"{value:g}" if isinstance(value, float) else str(value)
