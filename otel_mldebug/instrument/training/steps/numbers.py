"""One number, whoever gives it: Python, NumPy, PyTorch, JAX. What is still being computed is not waited for."""

import math
import sys
from typing import Any

from otel_mldebug import _guard

_said: set[str] = set()


class Promise:
    """A number that a device is still computing: an array of JAX, or anything else with `is_ready`."""

    __slots__ = ("_value", "_what")

    def __init__(self, value: Any, what: str) -> None:
        self._value, self._what = value, what

    def ready(self) -> bool:
        """Return whether it can be read without waiting."""
        return bool(self._value.is_ready())

    def read(self) -> float | None:
        """Return it; waits if it is not ready."""
        return _read(self._value, self._what)


class Sent:
    """A number that is being copied from a GPU by PyTorch."""

    __slots__ = ("_copy",)

    def __init__(self, copy: Any) -> None:
        self._copy = copy

    def ready(self) -> bool:
        """Return whether it has arrived."""
        return bool(self._copy.ready())

    def read(self) -> float | None:
        """Return it, once it has arrived."""
        return float(self._copy.values()[0])


def number(value: Any, what: str) -> float | Promise | Sent | None:
    """Return `value` as one number, now or later; None, and say so once, for what is not one number.

    Args:
        value: Anything with `__float__` or `item`, of one element; of complex numbers the absolute value.
        what: What it is, for the message: `loss`.
    """
    if type(value) is float or value is None:
        return value
    try:
        ready = getattr(value, "is_ready", None)
        if ready is not None and not ready():
            return Promise(value, what)
        if getattr(value, "is_cuda", False) and (copy := _sent(value)) is not None:
            return Sent(copy)
    except Exception as exc:  # noqa: BLE001
        _refused(value, what, exc)
        return None
    return _read(value, what)


def whole(value: Any, what: str) -> int | None:
    """Return `value` as a whole number; None, and say so once, for what is none."""
    found = number(value, what)
    if isinstance(found, (Promise, Sent)):
        found = found.read()
    return int(found) if found is not None and math.isfinite(found) else None


def forget() -> None:
    """Forget what has been said: for tests."""
    _said.clear()


def _sent(value: Any) -> Any:
    pytorch = sys.modules.get("otel_mldebug.instrument.training.hooks.pytorch")
    found = pytorch.installation() if pytorch is not None else None
    if found is None or value.numel() != 1 or not found.watch.devices.watchable(value):
        return None
    return found.watch.devices.send([value])


def _read(value: Any, what: str) -> float | None:
    try:
        item = getattr(value, "item", None)
        plain = value if item is None else item()
        return abs(plain) if isinstance(plain, complex) else float(plain)
    except Exception as exc:  # noqa: BLE001  (whatever a foreign type raises)
        _refused(value, what, exc)
        return None


def _refused(value: Any, what: str, exc: Exception) -> None:
    if what not in _said:
        _said.add(what)
        _guard.log.warning(
            "the %s given is a %s and not one number (%s): it is left out. Give a number, or a tensor of one element.",
            what,
            type(value).__qualname__,
            str(exc)[:200],
        )
