"""The one runtime of this process: started lazily without code, or at once by `configure`, and ended by `shutdown`."""

import atexit
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from otel_mldebug._guard import guard, log, reset
from otel_mldebug.config import Config
from otel_mldebug.errors import MLDebugError
from otel_mldebug.instrument import sink
from otel_mldebug.rules.finding import Occurrence
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.wiring.hooks import Hooks
from otel_mldebug.wiring.runtime import Runtime

if TYPE_CHECKING:  # who a process is takes 50 ms of imports to say, and most processes of a run never record anything
    from otel_mldebug.wiring.identity import Identity

EXIT_S = 1.5
"""How long the end of a process may take, at most, for what is still to be sent."""

_lock = threading.RLock()
_runtime: Runtime | None = None
_hooks = Hooks()
_registered = False
_forked = False
"""Whether this process was forked from one that had a pipeline."""


def runtime() -> Runtime | None:
    """Return the runtime of this process; None before `start` and `configure`, and after `shutdown`."""
    return _runtime


def start() -> None:
    """Start watching, without code: hooks are put in place, all else waits for the first thing recorded.

    Unusable settings are said in one line and leave the program alone, here and in the processes it starts.
    """
    global _runtime
    with _lock:
        if _runtime is not None:
            return
        try:
            config = Config.load()
        except MLDebugError as exc:
            log.error("%s otel-mldebug stays off.", exc)
            os.environ["OTEL_MLDEBUG_DISABLED"] = "true"  # its children need not say it again
            return
        if not config.disabled:
            _runtime = _made(config)


def configure(**settings: Any) -> None:
    """Start watching now, with these settings; the environment and the configuration file fill in the rest.

    A second call with the same settings does nothing; with others, the first pipeline is closed and a new one opened.

    Args:
        settings: Fields of `Config` by name.

    Raises:
        ConfigError: a setting is unknown or its value unusable.
    """
    global _runtime
    config = Config.load(**settings)
    with _lock:
        if config.disabled:
            shutdown()
            return
        if _runtime is not None and _runtime.config == config and _runtime.active():
            _runtime.open()
            return
        run_id = _runtime.run_id if _runtime is not None else ""
        shutdown()
        _runtime = _made(config, run_id)
        _runtime.open()


def shutdown(timeout_s: float = EXIT_S) -> None:
    """Write and send what waits, and stop watching. Does nothing when nothing is being watched.

    Args:
        timeout_s: How long sending may take, seconds.
    """
    global _runtime
    with _lock:
        ended, _runtime = _runtime, None
        if ended is None:
            return
        with guard("take the hooks out"):
            _hooks.remove()
        sink.install(None)
        ended.close(timeout_s)


def capture_exception(
    exc: BaseException | None = None,
    *,
    context: Mapping[str, Any] | None = None,
    user_data: Mapping[str, Any] | None = None,
    category: Category | str | None = None,
    severity: Severity | str | None = None,
) -> Occurrence | None:
    """Report an exception by hand.

    Args:
        exc: The exception; the one being handled by default.
        context: Anything worth knowing beside it.
        user_data: The same, about the user; kept under `user.`.
        category: Yours, which wins over ours.
        severity: Yours, which wins over ours.

    Returns:
        What was made of it, with an `id` that can be quoted; None when nothing is being watched.

    Raises:
        ValueError: `category` or `severity` does not exist.

    Example:
        try:
            risky()
        except Exception as exc:
            capture_exception(exc, context={"attempt": 3})
    """
    exc = sys.exc_info()[1] if exc is None else exc
    if exc is None:
        return None
    own: dict[str, Any] = {}
    if category is not None:
        own["category"] = Category(category)
    if severity is not None:
        own["severity"] = Severity(severity)
    extra = {f"user.{key}": value for key, value in (user_data or {}).items()}
    return sink.current().exception(exc, context={**(context or {}), **extra}, **own)


def _made(config: Config, run_id: str = "") -> Runtime:
    made = Runtime(config, _identity(config, run_id), forked=_forked)
    sink.install(made)
    _register()
    with guard("put the hooks in place"):
        _hooks.install(config)
    return made


def _identity(config: Config, run_id: str) -> "Callable[[], Identity]":
    chosen = run_id

    def identity() -> "Identity":
        nonlocal chosen
        from otel_mldebug.wiring.identity import identify

        who = identify(config, run_id=chosen)
        chosen = who.run_id  # a forked child belongs to the same run
        return who

    return identity


def _register() -> None:
    global _registered
    if _registered:
        return
    _registered = True
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)


def _at_exit() -> None:
    with guard("end telemetry with the process"):
        shutdown()


def _after_fork() -> None:
    global _lock, _forked
    _lock = threading.RLock()
    reset()
    if _runtime is not None:
        with guard("start afresh after a fork"):
            _runtime.after_fork()
            _forked = _forked or _runtime.forked
