"""The one runtime of this process: started lazily without code, or at once by `configure`, and ended by `shutdown`."""

import atexit
import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from otel_mldebug._guard import guard, log, reset
from otel_mldebug.config import Config
from otel_mldebug.errors import MLDebugError
from otel_mldebug.instrument import budget, sink
from otel_mldebug.rules.finding import Occurrence
from otel_mldebug.wiring.forks import Forks, at_end_of_child
from otel_mldebug.wiring.hooks import PARTS, Hooks, Part
from otel_mldebug.wiring.runtime import Runtime

if TYPE_CHECKING:  # who a process is takes 50 ms of imports to say, and most processes of a run never record anything
    from otel_mldebug.wiring.identity import Identity

EXIT_S = 1.2
"""How long the end of a process may take, at most, for what is still to be sent."""

listeners: list[Callable[[Occurrence], None]] = []
"""Called with each occurrence that is made in this process, whoever configured it; what they raise is ours to hide."""

_lock = threading.RLock()
_runtime: Runtime | None = None
_hooks = Hooks()
forks = Forks(lambda: (_lock, None if _runtime is None else _runtime.lock))
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
    watch(*PARTS)


def watch(*parts: Part, providers: Mapping[str, Any] | None = None) -> None:
    """Start watching some parts, as `start` does for all of them.

    Args:
        parts: What to watch, as far as the settings allow.
        providers: Providers to use instead of OpenTelemetry's globals, by `tracer`, `meter`, `logger`; looked at
            only by the call that starts everything.
    """
    global _runtime
    with _lock:
        if _runtime is None:
            if _switched_off(os.environ):
                return
            try:
                config = _loaded()
            except MLDebugError as exc:
                log.error("%s otel-mldebug stays off.", exc)
                os.environ["OTEL_MLDEBUG_DISABLED"] = "true"  # its children need not say it again
                return
            if config.disabled:
                return
            _runtime = _made(config, providers=providers)
        with guard("put the hooks in place"):
            _hooks.install(_runtime, parts)


def unwatch(*parts: Part) -> None:
    """Stop watching some parts; with the last one, everything ends."""
    with _lock:
        if _runtime is None:
            return
        with guard("take the hooks out"):
            _hooks.remove(_runtime, parts)
        if not _hooks.parts:
            shutdown()


def configure(**settings: Any) -> None:
    """Start watching now, with these settings; the environment and the configuration file fill in the rest.

    A second call with the same settings does nothing; with others, the first pipeline is closed and a new one opened.

    Args:
        settings: Fields of `Config` by name.

    Raises:
        ConfigError: a setting is unknown or its value unusable.
    """
    global _runtime
    config = _loaded(**settings)
    with _lock:
        if config.disabled:
            shutdown()
            return
        if _runtime is None or _runtime.config != config or not _runtime.active():
            run_id = _runtime.run_id if _runtime is not None else ""
            shutdown()
            _runtime = _made(config, run_id)
        with guard("put the hooks in place"):
            _hooks.install(_runtime, PARTS)
        _runtime.open()
        if "IPython" in sys.modules:
            with guard("watch the cells of the notebook"):
                from otel_mldebug.wiring import cells

                if (shell := cells.shell()) is not None:
                    cells.watch(shell)


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
            _hooks.remove(ended, PARTS)
        if (cells := sys.modules.get("otel_mldebug.wiring.cells")) is not None:
            cells.leave()
        sink.install(None)
        ended.close(timeout_s)


def _switched_off(environ: Mapping[str, str]) -> bool:
    """Whether the environment says so, without looking at anything else: off is to cost nothing."""
    return environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or environ.get(
        "OTEL_MLDEBUG_DISABLED", ""
    ).strip().lower() in ("1", "true", "yes", "on")


def _loaded(**settings: Any) -> Config:
    """Return the settings, checked as far as can be, with paths that hold wherever the program goes.

    Raises:
        ConfigError: a setting is unknown or unusable, or a file of patterns, or an entry for redaction is.
    """
    config = Config.load(**settings)
    if config.patterns:
        from otel_mldebug.rules.catalogue.loader import load

        for path in config.patterns:
            load(path)
    if config.prometheus:
        from otel_mldebug.export.prometheus.address import parse

        parse(config.prometheus, "prometheus")
    if any(name.startswith("redact_") for name in config.origins):
        from otel_mldebug.rules.redact.configured import configured

        configured(config)
    try:
        patterns = tuple(path.absolute() for path in config.patterns)
        return replace(config, store=config.store.absolute(), patterns=patterns)
    except OSError:  # the working directory is gone
        return config


def _made(config: Config, run_id: str = "", providers: Mapping[str, Any] | None = None) -> Runtime:
    made = Runtime(
        config, _identity(config, run_id), forked=_forked, providers=providers, listeners=listeners, opened=_opened
    )
    budget.process().adjust(config.budget)
    sink.install(made)
    _register()
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
        os.register_at_fork(before=forks.before, after_in_parent=forks.after, after_in_child=_after_fork)


def _opened() -> None:
    with guard("wait for the end of the process"):
        at_end_of_child(_at_exit)


def _at_exit() -> None:
    with guard("end telemetry with the process"):
        if _runtime is not None and _runtime.pipeline is not None:
            _runtime.pipeline.exiting = True
        _hooks.ending()
        shutdown()


def _after_fork() -> None:
    global _lock, _forked
    _lock = threading.RLock()
    forks.in_child()
    reset()
    budget.process().reset()
    _hooks.after_fork()
    if _runtime is not None:
        with guard("start afresh after a fork"):
            _runtime.after_fork()
            _forked = _forked or _runtime.forked
