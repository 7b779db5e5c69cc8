"""Values of the user's as short texts: described by what they are, never printed, copied or waited for."""

from collections.abc import Mapping
from typing import Any

from otel_mldebug.rules.facts import Value

MAX_TEXT = 200
"""Characters of one described value."""
_MAX_ITEMS = 8
_MAX_DEPTH = 3
_PLAIN = (bool, int, float, complex, type(None))


def describe(value: Any, depth: int = 0) -> str:
    """Return what `value` is, in at most 200 characters. Runs no `__repr__` or `__str__` of the user's.

    Tensors and arrays are told by shape, dtype and device; containers by their first eight items.
    """
    kind = type(value)
    if kind in _PLAIN:
        text = repr(value) if kind is not int or value.bit_length() < 512 else f"int of {value.bit_length()} bits"
    elif isinstance(value, (str, bytes)):
        text = _text(value)
    elif kind in (list, tuple, set, frozenset):
        text = _items(kind.__name__, value, depth)
    elif kind is dict:
        text = _mapping(value, depth)
    elif _is_array(kind):
        text = _array(value)
    else:
        text = f"<{kind.__module__}.{kind.__qualname__}>" if kind.__module__ != "builtins" else f"<{kind.__qualname__}>"
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def plain(value: Any) -> Value:
    """Return `value` itself where an attribute can hold it, else its description."""
    if isinstance(value, str):
        return str.__str__(value)[:MAX_TEXT] if type(value) is not str else value[:MAX_TEXT]
    if type(value) in (bool, float) or (type(value) is int and value.bit_length() < 64):
        return value  # type: ignore[no-any-return]
    return describe(value)


def _text(value: str | bytes) -> str:
    kind = type(value)
    if kind not in (str, bytes):
        return f"<{kind.__module__}.{kind.__qualname__}>"
    short = repr(value[:MAX_TEXT])
    return short if len(value) <= MAX_TEXT else f"{short}… ({len(value)} in all)"


def _items(name: str, values: Any, depth: int) -> str:
    if depth >= _MAX_DEPTH:
        return f"{name} of {len(values)}"
    shown = []
    for index, item in enumerate(values):
        if index == _MAX_ITEMS:
            shown.append(f"… {len(values)} in all")
            break
        shown.append(describe(item, depth + 1))
    return f"{name}({', '.join(shown)})"


def _mapping(values: Mapping[Any, Any], depth: int) -> str:
    if depth >= _MAX_DEPTH:
        return f"dict of {len(values)}"
    shown = []
    for index, (key, item) in enumerate(values.items()):
        if index == _MAX_ITEMS:
            shown.append(f"… {len(values)} in all")
            break
        shown.append(f"{describe(key, depth + 1)}: {describe(item, depth + 1)}")
    return f"{{{', '.join(shown)}}}"


def _is_array(kind: type) -> bool:
    """Whether it is a tensor or an array of a library whose `shape` and `dtype` are cheap, or a subclass of one."""
    return any(base.__module__.partition(".")[0] in ("torch", "numpy", "jax", "jaxlib") for base in kind.__mro__) and (
        hasattr(kind, "shape") and hasattr(kind, "dtype")
    )


def _array(value: Any) -> str:
    parts = [f"shape={tuple(value.shape)}", f"dtype={value.dtype}"]
    if (device := getattr(value, "device", None)) is not None:
        parts.append(f"device={device}")
    return f"{type(value).__qualname__}({', '.join(parts)})"
