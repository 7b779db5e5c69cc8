"""Values of the user's as span attributes: described where they are no plain values, shortened, without secrets."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from otel_mldebug.rules.describe import describe, shorten
from otel_mldebug.rules.facts import Value

if TYPE_CHECKING:
    from otel_mldebug.rules.redact import Redactor

_MAX_ITEMS = 64
_MAX_BITS = 63


def clean(attributes: Mapping[str, Any]) -> dict[str, Value]:
    """Return `attributes` as OpenTelemetry accepts them. None is left out; nothing is printed or waited for."""
    if not attributes:
        return {}
    from otel_mldebug.rules.redact import DEFAULT  # compiles its patterns: not for those who only count

    return {key: _value(key, value, DEFAULT) for key, value in attributes.items() if value is not None}


def _value(key: str, value: Any, redactor: "Redactor") -> Value:
    kind = type(value)
    if kind in (bool, float) or (kind is int and value.bit_length() <= _MAX_BITS):
        plain: Any = redactor.item(key, value)
        return plain if type(plain) is kind else str(plain)
    if kind in (list, tuple) and _alike(value):
        items: Any = tuple(_value(key, item, redactor) for item in value)
        return items if _alike(items) else tuple(map(str, items))
    return str(redactor.item(key, shorten(value) if kind is str else describe(value)))


def _alike(values: Any) -> bool:
    """Whether an attribute can hold them as a sequence: few, plain and of one type."""
    kinds = {type(value) for value in values}
    return 0 < len(values) <= _MAX_ITEMS and len(kinds) == 1 and kinds <= {str, bool, int, float}
