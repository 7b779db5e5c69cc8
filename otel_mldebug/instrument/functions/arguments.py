"""The arguments of a call: which parameter each belongs to, and what of them may stand on a span."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from typing_extensions import override

from otel_mldebug._guard import fault
from otel_mldebug.instrument.functions.known import Known
from otel_mldebug.semconv import names

_RECEIVERS = ("self", "cls")


class Arguments:
    """Knows the parameters of one function.

    Args:
        func: The function.
        capture: Parameters that a user asked for; None when nothing was said.

    Raises:
        TypeError: a parameter in `capture` does not exist; the message lists those that do.
    """

    __slots__ = ("_capture", "_func", "_signature")

    def __init__(self, func: Callable[..., Any], capture: Sequence[str] | None) -> None:
        self._func = func
        self._signature: inspect.Signature | None = None
        self._capture = None if capture is None else tuple(capture)
        if isinstance(capture, str):
            raise TypeError(f"@trace(capture={capture!r}): give a list of parameters, such as capture=[{capture!r}].")
        if self._capture:
            known = self._read_signature().parameters
            if unknown := [name for name in self._capture if name not in known]:
                raise TypeError(
                    f"@trace on {getattr(func, '__qualname__', func)!s}: no parameter {unknown[0]!r} to capture; "
                    f"it has {', '.join(known) or 'none'}."
                )

    def for_span(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the captured arguments under the keys of attributes, raw; none unless asked for."""
        if not self._capture:
            return {}
        bound = self._bound(args, kwargs)
        return {f"{names.MLDEBUG_ARGUMENT}.{name}": bound[name] for name in self._capture if name in bound}

    def for_finding(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments for a finding, raw: the captured ones, or all when nothing was said."""
        if self._capture is not None and not self._capture:
            return {}
        bound = self._bound(args, kwargs)
        if self._capture is None:
            return {name: value for name, value in bound.items() if name not in _RECEIVERS}
        return {name: bound[name] for name in self._capture if name in bound}

    def _bound(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments by parameter; nothing for a call that does not fit the signature."""
        try:
            bound = self._read_signature().bind(*args, **kwargs)
        except (TypeError, ValueError):
            return {}
        except Exception as exc:  # noqa: BLE001
            fault("read the arguments of a call", exc)
            return {}
        return dict(bound.arguments)

    def _read_signature(self) -> inspect.Signature:
        if self._signature is None:
            self._signature = inspect.signature(self._func)
        return self._signature


class Given(Known):
    """What is known of one call of a function: its arguments."""

    __slots__ = ("_args", "_kwargs", "_parameters")

    def __init__(self, parameters: Arguments, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self._parameters, self._args, self._kwargs = parameters, args, kwargs

    @override
    def attributes(self) -> Mapping[str, Any]:
        return self._parameters.for_span(self._args, self._kwargs)

    @override
    def arguments(self) -> Mapping[str, Any]:
        return self._parameters.for_finding(self._args, self._kwargs)

    @override
    def context(self) -> Mapping[str, Any]:
        return {}
