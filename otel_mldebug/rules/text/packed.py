"""Log lines that are JSON objects, as containers and structured loggers write them: the text inside."""

import json
from typing import Any

_TRACEBACK = "Traceback (most recent call last)"
_SAYING = ("message", "msg", "event", "textPayload", "body")
_RAISED = ("exc_info", "exc_text", "exception", "stack_trace", "traceback", "stacktrace", "error.stack_trace", "stack")
"""Source: python-json-logger, structlog, ECS logging, Google Cloud logging."""
_OF_A_RECORD = frozenset(
    {"asctime", "levelname", "exc_info", "exc_text", "stack_trace", "@timestamp", "log", "record", "textPayload"}
    | {"log.level", "logger", "logger_name", "insertId"}
)
_LINES = (("log", ""), ("text", "record"), ("MESSAGE", "__REALTIME_TIMESTAMP"), ("line", "labels"))
"""What holds one line of text, and what stands beside it: of Docker and Kubernetes, loguru's `serialize=True`,
`journalctl -o json`, `logcli -o jsonl`."""
_LEVELS = frozenset({"level", "severity"})
_TIMES = frozenset({"time", "timestamp", "ts", "date"})


def is_record(value: object) -> bool:
    """Return whether the JSON `value` is a record of a log, and no failure written down for `explain`."""
    if not isinstance(value, dict):
        return False
    keys = value.keys()
    return not _OF_A_RECORD.isdisjoint(keys) or not (_LEVELS.isdisjoint(keys) or _TIMES.isdisjoint(keys))


def unpacked(line: str) -> list[str]:
    """Return the lines of text that `line` holds as JSON; itself where it is no such object."""
    if not line.startswith("{"):
        return [line]
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return [line]
    text = _text(value) if isinstance(value, dict) else ""
    if text.startswith("{") and text != line:  # a container's line that holds a record of its program's
        return unpacked(text)
    return text.splitlines(keepends=True) or [line]


def _text(value: dict[str, Any]) -> str:
    for key, beside in _LINES:
        if isinstance(said := value.get(key), str) and (not beside or beside in value):
            return said
    if not is_record(value) and _TRACEBACK not in str(value.get("exception", "")):
        return ""
    said = _first(value, _SAYING)
    raised = _first(value, _RAISED)
    return "\n".join(part for part in (said, raised if raised != said else "") if part)


def _first(value: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        found = value.get(name)
        if isinstance(found, list) and found and all(isinstance(line, str) for line in found):
            return "\n".join(found)
        if isinstance(found, str) and found:
            return found
    return ""
