"""Says what a value is without printing, copying or waiting for it: shape, dtype, device and size instead of contents.

Nothing here calls a `__repr__`, `__str__` or `__getattr__` that the user wrote.
"""

import types
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any

from otel_mldebug.rules.catalogue.evidence import readable_size

MAX_DEPTH = 3
MAX_WIDTH = 8
MAX_TEXT = 200
MAX_TOTAL = 2000
"""Bounds: levels of nesting, items of each container, characters of one text, characters of a whole description."""

_PATHS = (PurePosixPath, PureWindowsPath, PosixPath, WindowsPath)

Mask = Callable[[str], str | None]
"""Takes a key or a field's name; returns what to show instead of its value, or None to show the value."""


def describe(value: object, *, mask: Mask | None = None, depth: int = MAX_DEPTH) -> str:
    """Return `value` in one line, at most 2000 characters. Never raises, never waits for a device.

    Args:
        value: Anything.
        mask: Decides by name which entries of mappings and dataclasses are not shown.
        depth: How many levels of containers are opened.
    """
    try:
        text = _describe(value, mask, depth)
    except Exception:  # noqa: BLE001  (a hostile object must not break what reports it)
        text = _type_name(type(value))
    return text if len(text) <= MAX_TOTAL else text[: MAX_TOTAL - 1] + "…"


def shorten(text: str, limit: int = MAX_TEXT) -> str:
    """Return `text`, cut in the middle to at most `limit` characters."""
    if len(text) <= limit:
        return text
    head = (limit - 1) * 2 // 3
    return f"{text[:head]}…{text[head + 1 - limit :]}"


def _describe(value: object, mask: Mask | None, depth: int) -> str:
    kind = type(value)
    if (scalar := _scalar(value, kind)) is not None:
        return scalar
    if kind in (list, tuple, set, frozenset, dict) or issubclass(kind, (dict, list, tuple)):
        return _container(value, kind, mask, depth)
    module = _module(kind)
    if (known := _known(value, kind, module.partition(".")[0])) is not None:
        return known
    fields = type.__getattribute__(kind, "__dict__").get("__dataclass_fields__")
    if isinstance(fields, dict) and depth > 0:
        own = _own(value)
        shown = [(name, own[name]) for name in islice(fields, MAX_WIDTH) if name in own]
        return f"{kind.__name__}({_pairs(shown, '=', len(fields), mask, depth)})"
    return _type_name(kind)


def _scalar(value: Any, kind: type) -> str | None:
    if value is None or kind is bool:
        return str(value)
    if kind is str:
        return repr(shorten(value))
    if kind is int:
        bits = value.bit_length()
        return str(value) if bits <= 256 else f"int of {bits} bits"
    if kind is float or kind is complex:
        return repr(value)
    if kind in (bytes, bytearray, memoryview):
        return f"{kind.__name__} of {readable_size(len(value))}"
    if kind is range or kind is slice:
        return repr(value)[:MAX_TEXT]
    if kind in _PATHS:
        return repr(shorten(str(value)))
    return None


def _container(value: Any, kind: type, mask: Mask | None, depth: int) -> str:
    if issubclass(kind, dict):
        count = dict.__len__(value)
        name = "" if kind is dict else kind.__name__
        if depth <= 0:
            return f"{name or 'dict'} of {count}"
        return f"{name}{{{_pairs(list(islice(dict.items(value), MAX_WIDTH)), ': ', count, mask, depth)}}}"
    base = next(b for b in (list, tuple, set, frozenset) if issubclass(kind, b))
    count = base.__len__(value)
    name = "" if kind in (list, tuple) else kind.__name__
    if depth <= 0:
        return f"{name or kind.__name__} of {count}"
    parts = [_describe(item, mask, depth - 1) for item in islice(base.__iter__(value), MAX_WIDTH)]
    if count > MAX_WIDTH:
        parts.append(f"… {count} in all")
    left, right = ("[", "]") if base is list else ("{", "}") if base in (set, frozenset) else ("(", ")")
    return f"{name}{left}{', '.join(parts)}{right}"


def _pairs(items: list[tuple[Any, Any]], join: str, count: int, mask: Mask | None, depth: int) -> str:
    parts = []
    for key, item in items:
        name = key if type(key) is str else None
        hidden = mask(name) if mask is not None and name is not None else None
        shown = hidden if hidden is not None else _describe(item, mask, depth - 1)
        label = name if name is not None and join == "=" else _describe(key, mask, 0)
        parts.append(f"{label}{join}{shown}")
    if count > len(items):
        parts.append(f"… {count} in all")
    return ", ".join(parts)


def _known(value: Any, kind: type, package: str) -> str | None:
    """Describe what well-known packages make: metadata that costs nothing to read."""
    if isinstance(value, types.ModuleType):
        return f"module {_text(_own(value).get('__name__'))}"
    if kind in (types.FunctionType, types.BuiltinFunctionType, types.MethodType):
        return f"function {_text(value.__qualname__)}"
    if kind is types.FrameType:
        return f"frame of {value.f_code.co_name}"
    if kind is type:
        return f"class {_type_name(value)}"
    bases = {f"{_module(base)}.{base.__name__}" for base in type.__getattribute__(kind, "__mro__")}
    if "torch.nn.modules.module.Module" in bases:
        own = _own(value)
        mode = "training" if own.get("training") else "eval"
        return f"{kind.__name__}(module, {len(own.get('_modules') or ())} children, {mode})"
    if package in (
        "numpy",
        "torch",
        "jax",
        "jaxlib",
        "cupy",
        "tensorflow",
        "pandas",
        "polars",
        "PIL",
        "pyarrow",
    ) or any(base in bases for base in ("torch.Tensor", "numpy.ndarray")):
        return _array(value, kind, package)
    return None


def _array(value: Any, kind: type, package: str) -> str | None:
    if package == "numpy" and any(base.__name__ == "generic" for base in type.__getattribute__(kind, "__mro__")):
        return f"{kind.__name__}({value.item()!r})"[:MAX_TEXT]
    parts = []
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        parts.append(f"shape=[{', '.join(str(size) for size in shape[:MAX_WIDTH])}]")
    elif isinstance(size := getattr(value, "size", None), tuple):
        parts.append(f"size={size[0]}x{size[1]}")
    for name in ("dtype", "mode") if package == "numpy" else ("dtype", "device", "mode"):
        found = getattr(value, name, None)
        if found is not None and not callable(found) and _module(type(found)) != "pandas":
            parts.append(f"{name}={shorten(str(found), 60).removeprefix('torch.')}")
    if not parts:
        return None
    nbytes = getattr(value, "nbytes", None)
    if type(nbytes) is int:
        parts.append(readable_size(nbytes))
    if getattr(value, "requires_grad", False) is True:
        parts.append("requires_grad")
    return f"{kind.__name__}({', '.join(parts)})"


def _own(value: object) -> Mapping[str, Any]:
    """Return the instance's own attributes, without asking its class."""
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return own if isinstance(own, dict) else {}


def _module(kind: type) -> str:
    return _text(type.__getattribute__(kind, "__module__"))


def _type_name(kind: type) -> str:
    module, name = _module(kind), type.__dict__["__qualname__"].__get__(kind)
    return name if module in ("builtins", "__main__", "") else f"{module}.{name}"


def _text(value: object) -> str:
    return value if type(value) is str else ""
