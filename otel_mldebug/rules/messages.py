"""The text of an exception, without trusting it: its `__str__` may raise, hang, recurse, or print a whole tensor."""

import _thread
import builtins
import contextvars
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

from otel_mldebug.rules.describe import describe

_PLAIN = (str, int, float, bool, bytes, type(None))
_TRUSTED = sys.stdlib_module_names | {"click", "requests", "httpx", "urllib3", "numpy", "openai", "botocore"}
"""Packages whose `__str__` is known to be short and harmless: called directly."""
_GROUP_PRINTER = getattr(getattr(builtins, "BaseExceptionGroup", None), "__str__", None)
"""Prints the message and the number of members, not the members."""
MAX_COMMAND = 256
"""Words of a command line up to which the exception prints it itself."""
_OS_NAMES = ("filename", "filename2")


def message_of(exc: BaseException, *, timeout_s: float) -> str:
    """Return `str(exc)`, or what its arguments say where `__str__` cannot be had.

    A `__str__` written in Python runs in a thread of its own, with the caller's context variables, so that one that
    hangs costs at most `timeout_s` seconds. Arguments that are not plain values are described, not printed.
    """
    kind = type(exc)
    printer = _printer(kind)
    args = BaseException.__dict__["args"].__get__(exc)
    if printer is BaseException.__str__:
        return _joined(args)
    if printer is KeyError.__str__:
        return describe(args[0]) if len(args) == 1 and type(args[0]) is str else _joined(args)
    text = None
    names = _file_names(exc, kind)
    own = str(printer.__module__).partition(".")[0] if isinstance(printer, FunctionType) else ""
    if own and own not in _TRUSTED:
        text = _in_thread(lambda: str(exc), timeout_s)
    elif own == "numpy" or printer is _GROUP_PRINTER or all(_plain(arg) for arg in (*args, *names)):
        text = _called(lambda: str(exc))
    elif issubclass(kind, OSError) and len(args) > 1:
        shown = " -> ".join(describe(name) for name in names if name is not None)
        text = f"[Errno {describe(args[0])}] {_joined(args[1:2])}{shown and ': '}{shown}"
    return text if text is not None else _joined(args)


def _plain(arg: object) -> bool:
    """Return whether printing `arg` is short and runs no foreign code: a value, or a command line."""
    if type(arg) in (list, tuple):
        return len(arg) <= MAX_COMMAND and all(type(item) in _PLAIN for item in arg)  # type: ignore[arg-type, attr-defined]
    return type(arg) in _PLAIN


def _file_names(exc: BaseException, kind: type) -> tuple[Any, ...]:
    """Return the file names that `OSError.__str__` prints beside its arguments."""
    if not issubclass(kind, OSError):
        return ()
    return tuple(OSError.__dict__[name].__get__(exc) for name in _OS_NAMES)


def _printer(kind: type) -> Any:
    for base in type.__dict__["__mro__"].__get__(kind):
        own = type.__dict__["__dict__"].__get__(base)
        if "__str__" in own:
            return own["__str__"]
    return BaseException.__str__


def _joined(args: tuple[Any, ...]) -> str:
    if not args:
        return ""
    if len(args) == 1:
        # A kind of text, such as the message that PyTorch gives a KeyError of a worker, without its own printing.
        return str.__str__(args[0]) if issubclass(type(args[0]), str) else describe(args[0])
    return describe(args)


def _called(read: Callable[[], object]) -> str | None:
    try:
        text = read()
    except BaseException:  # noqa: BLE001  (whatever a foreign __str__ raises is not our caller's)
        return None
    return text if type(text) is str else str.__str__(text) if isinstance(text, str) else None


def _in_thread(read: Callable[[], object], timeout_s: float) -> str | None:
    """Return what `read` makes, or None when it takes longer than `timeout_s` seconds.

    A bare thread and a lock: `threading.Thread.start` waits without limit for a thread that, while the interpreter
    shuts down, never gets to run.
    """
    if timeout_s <= 0 or sys.is_finalizing():
        return None
    result: list[str | None] = []
    done = _thread.allocate_lock()
    done.acquire()
    context = contextvars.copy_context()

    def work() -> None:
        result.append(context.run(_called, read))
        done.release()

    try:
        _thread.start_new_thread(work, ())
    except RuntimeError:  # no more threads, or the interpreter is shutting down
        return None
    done.acquire(timeout=timeout_s)
    return result[0] if result else None
