"""Values in OTLP's JSON encoding: to and from plain Python, total and bounded.

64-bit integers are strings, non-finite numbers are "NaN", "Infinity" and "-Infinity", text is valid UTF-8 whatever the
program had in it. Source: OTLP specification, "JSON Protobuf Encoding"; Protocol Buffers, "ProtoJSON format".
"""

import base64
import math
from collections.abc import Iterable, Mapping
from typing import Any

MAX_TEXT = 65_536
"""Characters of one text that are kept: its beginning and its end."""
MAX_ITEMS = 20_000
"""Values of one record that are kept, nested ones included."""
MAX_DEPTH = 12

_INT64 = 2**63


def text(value: str) -> str:
    """Return `value` as text that any reader of UTF-8 takes, at most `MAX_TEXT` characters and a remark."""
    if len(value) > MAX_TEXT:
        half = MAX_TEXT // 2
        value = f"{value[:half]}\n… {len(value) - 2 * half:,} characters left out …\n{value[-half:]}"
    if not value.isascii():
        value = value.encode("utf-8", "backslashreplace").decode("utf-8")  # lone surrogates, as in odd file names
    return str.__str__(value)


def number(value: float) -> float | str:
    """Return a double as JSON can hold it."""
    if math.isfinite(value):
        return float(value)
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def parse_number(value: object) -> float | None:
    """Return the double that `number` was given, NaN and infinities included; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def any_value(value: object) -> dict[str, Any]:
    """Return `value` as an AnyValue. What OTLP has no type for becomes text."""
    return _Encoder().value(value, MAX_DEPTH)


def attributes(values: Mapping[str, object]) -> list[dict[str, Any]]:
    """Return a list of KeyValue, without those whose value is None."""
    return _Encoder().pairs(values, MAX_DEPTH)


class _Encoder:
    """Encodes the values of one record, until `MAX_ITEMS` of them are used up."""

    def __init__(self) -> None:
        self._left = MAX_ITEMS

    def value(self, value: object, depth: int) -> dict[str, Any]:
        self._left -= 1
        if isinstance(value, bool):
            return {"boolValue": value}
        if isinstance(value, str):
            return {"stringValue": text(value)}
        if isinstance(value, int):
            return _integer(value)
        if isinstance(value, float):
            return {"doubleValue": number(value)}
        if value is None:
            return {}
        if isinstance(value, (bytes, bytearray)):
            return {"bytesValue": base64.b64encode(value[:MAX_TEXT]).decode("ascii")}
        if depth <= 0:
            return {"stringValue": "…"}
        if isinstance(value, Mapping):
            return {"kvlistValue": {"values": self.pairs(value, depth - 1)}}
        if isinstance(value, (list, tuple, set, frozenset)):
            return {"arrayValue": {"values": self._items(value, depth - 1)}}
        return {"stringValue": _described(value)}

    def pairs(self, values: Mapping[Any, object], depth: int) -> list[dict[str, Any]]:
        out = []
        for key, value in values.items():
            if self._left <= 0:
                break
            if value is not None:
                name = text(key) if isinstance(key, str) else _described(key)
                out.append({"key": name, "value": self.value(value, depth)})
        return out

    def _items(self, values: Iterable[object], depth: int) -> list[dict[str, Any]]:
        out = []
        for value in values:
            if self._left <= 0:
                break
            out.append(self.value(value, depth))
        return out


def _integer(value: int) -> dict[str, Any]:
    if -_INT64 <= value < _INT64:
        return {"intValue": str(int(value))}
    if value.bit_length() <= 1024:
        return {"stringValue": str(int(value))}
    return {"stringValue": f"an integer of {value.bit_length()} bits"}


def _described(value: object) -> str:
    try:
        return text(str(value))
    except Exception:  # noqa: BLE001  (whatever somebody's __str__ does, a record is not lost for it)
        return f"<{type(value).__name__}>"


def plain(value: object) -> Any:
    """Return what an AnyValue holds; None for an empty or an unreadable one."""
    if not isinstance(value, Mapping):
        return None
    for kind, read in _READERS.items():
        if kind in value:
            try:
                return read(value[kind])
            except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
                return None
    return None


def from_attributes(pairs: object) -> dict[str, Any]:
    """Return the values of a list of KeyValue by key, without those that are empty or unreadable."""
    out: dict[str, Any] = {}
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, Mapping) and isinstance(key := pair.get("key"), str):
            value = plain(pair.get("value"))
            if value is not None:
                out[key] = value
    return out


_READERS: Mapping[str, Any] = {
    "stringValue": str,
    "boolValue": bool,
    "intValue": int,
    "doubleValue": parse_number,
    "arrayValue": lambda array: [plain(item) for item in array.get("values") or ()],
    "kvlistValue": lambda kvlist: from_attributes(kvlist.get("values") or []),
    "bytesValue": base64.b64decode,
}


def jsonable(value: object) -> Any:
    """Return `value` as JSON can hold it: bounded, valid text, non-finite numbers as text, nothing that is None."""
    return _strict(plain(any_value(value)))


def _strict(value: Any) -> Any:
    if isinstance(value, float):
        return number(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, list):
        return [_strict(item) for item in value if item is not None]
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    return value
