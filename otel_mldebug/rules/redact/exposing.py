"""The exposure level of structures: what is private is told by the key that a value is found under."""

from collections.abc import Callable, Mapping
from typing import Any

from otel_mldebug.rules.redact import exposure
from otel_mldebug.rules.redact.exposure import Exposure, Place
from otel_mldebug.semconv import names

_TRACES = frozenset({names.EXCEPTION_STACKTRACE, "code.stacktrace", "stacktrace"})
_PATHS = frozenset({names.CODE_FILE_PATH, "code.filepath", "process.executable.path", "process.working_directory"})
_COMMANDS = frozenset({names.PROCESS_COMMAND_ARGS, "process.command", "process.command_line"})
_BY_KEY: Mapping[str, Callable[[str, Exposure, Place], str]] = {
    **dict.fromkeys(_TRACES, exposure.trace),
    **dict.fromkeys(_PATHS, exposure.path),
    **dict.fromkeys(_COMMANDS, exposure.trace),  # a text of which nothing is shown at an exposure of none
    names.HOST_NAME: lambda text, level, place: exposure.hostname(text, level),
    "process.owner": lambda text, level, place: exposure.username(text, level),
}
_ELSEWHERE = ("url.", "http.")
"""Beginnings of the keys whose paths are those of addresses, not of this machine."""


def value(found: Any, level: Exposure, place: Place) -> Any:
    """Return as much of a plain JSON-like value as `level` shows; keys of which nothing is shown are left out."""
    if level is Exposure.FULL:
        return found
    if isinstance(found, str):
        return exposure.message(found, level, place)
    if isinstance(found, Mapping):
        shown = {key: item(str(key), inside, level, place) for key, inside in found.items()}
        return {key: inside for key, inside in shown.items() if inside is not None or found[key] is None}
    if isinstance(found, (list, tuple)):
        shown_inside = [value(inside, level, place) for inside in found]
        return shown_inside if isinstance(found, list) else tuple(shown_inside)
    return found


def item(key: str, found: Any, level: Exposure, place: Place) -> Any:
    """Return as much as `level` shows of what was found under `key`; None for "leave it out"."""
    if level is Exposure.FULL or key.startswith(_ELSEWHERE):
        return found
    if isinstance(found, str) and key in _BY_KEY:
        return _BY_KEY[key](found, level, place) or (None if found else found)
    if level is Exposure.NONE and key in _COMMANDS:
        return None
    if level is Exposure.NONE and key == "frames" and isinstance(found, list):
        return [_frame(frame) for frame in found]
    return value(found, level, place)


def _frame(frame: Any) -> Any:
    """Return what is left of one frame: function, module and line."""
    if not isinstance(frame, Mapping):
        return None
    return {key: inside for key, inside in frame.items() if key not in ("file", "code")}
