"""`trace`: watch every call of a function."""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial, update_wrapper
from typing import Any, TypeVar, overload

from otel_mldebug.instrument.functions import calls, generators
from otel_mldebug.instrument.functions.arguments import Arguments, Given
from otel_mldebug.instrument.functions.attributes import clean
from otel_mldebug.instrument.functions.registry import watch as registered
from otel_mldebug.instrument.functions.watch import BATCH, Target, Watch

F = TypeVar("F", bound=Callable[..., Any])
_TRUE = frozenset({"true", "1", "yes", "on"})
_MARK = "__mldebug_watch__"


@overload
def trace(func: F, /) -> F: ...


@overload
def trace(
    *, name: str | None = None, capture: Sequence[str] | None = None, attributes: Mapping[str, Any] | None = None
) -> Callable[[F], F]: ...


def trace(
    func: Any = None,
    /,
    *,
    name: str | None = None,
    capture: Sequence[str] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Any:
    """Watch each call of a function, with or without arguments: `@trace`, `@trace(capture=["batch"])`.

    Every call is counted and timed. Calls that the budget pays for, errors and outliers get a span; an exception
    becomes a finding, and is raised on as it is. Works for functions, methods (also above or below `@classmethod`
    and `@staticmethod`), coroutine functions, generators and asynchronous generators. The call of a generator is one
    iteration over it; its time is what it spends on its items; its span is current while it makes one, never while
    its consumer works. On a class: on each of its own public methods and on `__call__`.

    Args:
        func: The function, when used without arguments.
        name: Name of the spans; by default the qualified name.
        capture: Parameters recorded on spans, and with a finding, described and shortened. By default spans get none,
            because they may hold secrets or whole tensors, and findings all, redacted. An empty list: none at all.
        attributes: Attributes for each span.

    Returns:
        The watched function, or the function itself when `OTEL_MLDEBUG_DISABLED` or `OTEL_SDK_DISABLED` is set.

    Raises:
        TypeError: it cannot be watched, or lacks a parameter that is to be captured.
    """
    if func is None:
        return partial(_decorate, name=name, capture=capture, attributes=attributes)
    return _decorate(func, name=name, capture=capture, attributes=attributes)


def disabled(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the environment switches us off. What is wrong with a value is said where settings are read."""
    environ = os.environ if environ is None else environ
    return (
        environ.get("OTEL_MLDEBUG_DISABLED", "").strip().lower() in _TRUE
        or environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    )


def _decorate(
    func: Any, *, name: str | None, capture: Sequence[str] | None, attributes: Mapping[str, Any] | None
) -> Any:
    if isinstance(func, (classmethod, staticmethod)):
        inner = _decorate(func.__func__, name=name, capture=capture, attributes=attributes)
        return type(func)(inner)
    if isinstance(func, type):
        return _decorate_class(func, name=name, capture=capture, attributes=attributes)
    if not callable(func):
        hint = " Use @trace(name=…) to name the spans." if isinstance(func, str) else " Decorate the function itself."
        raise TypeError(f"@trace works on functions, not on {type(func).__name__} {func!r}.{hint}")
    arguments = Arguments(func, capture)
    if disabled() or hasattr(func, _MARK):
        return func
    return wrap(func, registered(target(func, name, attributes)), arguments)


def _decorate_class(cls: type, **options: Any) -> type:
    if options["name"] is not None or options["capture"] is not None:
        raise TypeError(f"@trace on class {cls.__qualname__}: name and capture belong on its methods.")
    for key, value in list(vars(cls).items()):
        method = inspect.isfunction(value) or isinstance(value, (classmethod, staticmethod))
        if method and (not key.startswith("_") or key == "__call__"):
            setattr(cls, key, _decorate(value, **options))
    return cls


def target(func: Callable[..., Any], name: str | None, attributes: Mapping[str, Any] | None) -> Target:
    """Return what is to be known of `func`."""
    inner = inspect.unwrap(func)
    qualified = getattr(inner, "__qualname__", None) or type(inner).__qualname__
    module = getattr(inner, "__module__", None)
    code = getattr(inner, "__code__", None)
    return Target(
        function=f"{module}.{qualified}" if module else qualified,
        span=name or qualified,
        file=code.co_filename if code else "",
        line=code.co_firstlineno if code else None,
        attributes=tuple(clean(attributes).items()) if attributes else (),
    )


def wrap(func: Any, watch: Watch, arguments: Arguments) -> Any:
    """Return `func` with each call counted in `watch`. The original stays in `__wrapped__`."""
    if inspect.isasyncgenfunction(func):
        wrapper = generators.wrap_async(func, watch, arguments)
    elif inspect.isgeneratorfunction(func):
        wrapper = generators.wrap(func, watch, arguments)
    elif inspect.iscoroutinefunction(func):
        wrapper = _wrap_coroutine(func, watch, arguments)
    else:
        wrapper = _wrap_function(func, watch, arguments)
    update_wrapper(wrapper, func)
    setattr(wrapper, _MARK, watch)
    return wrapper


def _wrap_function(func: Callable[..., Any], watch: Watch, arguments: Arguments) -> Callable[..., Any]:
    # Every line here is paid for by every call: see docs/reference/cost.md before adding one.
    budget, clock_ns = watch.budget, watch.budget.clock_ns

    def watched(*args: Any, **kwargs: Any) -> Any:
        call = calls.opened(watch, Given(arguments, args, kwargs)) if budget.ready or watch.rich else None
        earned_ns = budget.watched_ns
        started_ns = clock_ns()
        try:
            result = func(*args, **kwargs)
        except BaseException as exc:
            took_ns = clock_ns() - started_ns
            calls.failed(watch, took_ns, call, Given(arguments, args, kwargs), exc)
            raise
        took_ns = clock_ns() - started_ns
        watch.append(took_ns)
        earned_ns += took_ns  # what watched calls inside have earned meanwhile is part of it
        if earned_ns > budget.watched_ns:
            budget.watched_ns = earned_ns
        if took_ns > watch.limit_ns or len(watch.durations_ns) >= BATCH or call is not None:
            calls.ended(watch, took_ns, call, Given(arguments, args, kwargs))
        return result

    return watched


def _wrap_coroutine(func: Callable[..., Any], watch: Watch, arguments: Arguments) -> Callable[..., Any]:
    budget, clock_ns = watch.budget, watch.budget.clock_ns

    async def watched(*args: Any, **kwargs: Any) -> Any:
        call = calls.opened(watch, Given(arguments, args, kwargs)) if budget.ready or watch.rich else None
        earned_ns = budget.watched_ns
        started_ns = clock_ns()
        try:
            result = await func(*args, **kwargs)
        except BaseException as exc:
            took_ns = clock_ns() - started_ns
            calls.failed(watch, took_ns, call, Given(arguments, args, kwargs), exc)
            raise
        took_ns = clock_ns() - started_ns
        watch.append(took_ns)
        earned_ns += took_ns
        if earned_ns > budget.watched_ns:
            budget.watched_ns = earned_ns
        if took_ns > watch.limit_ns or len(watch.durations_ns) >= BATCH or call is not None:
            calls.ended(watch, took_ns, call, Given(arguments, args, kwargs))
        return result

    return watched
