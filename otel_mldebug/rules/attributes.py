"""The plain facts an exception object carries: errno, HTTP status, exit code, file name.

Only what lies in the object itself is read: no property and no `__getattr__` of a foreign class runs.
"""

from collections.abc import Mapping
from typing import Any

from otel_mldebug.rules.describe import shorten

_NAMES = (
    "status_code", "status", "code", "http_status", "reason", "url", "exitcode", "exit_code", "returncode", "signal",
    "signal_name", "error_index", "pid", "errno", "filename", "request_id", "error_code", "retry_after", "host", "port",
)  # fmt: skip
_BUILTIN: tuple[tuple[type[BaseException], tuple[str, ...]], ...] = (
    (OSError, ("errno", "strerror", "filename", "filename2", "winerror")),
    (ImportError, ("name", "path")),
    (SyntaxError, ("filename", "lineno", "offset", "text")),
    (UnicodeDecodeError, ("encoding", "start", "end", "reason")),
    (UnicodeEncodeError, ("encoding", "start", "end", "reason")),
    (AttributeError, ("name",)),
    (NameError, ("name",)),
    (StopIteration, ("value",)),
    (SystemExit, ("code",)),
)
_PLAIN = (str, int, float, bool)


def attributes_of(exc: BaseException) -> Mapping[str, Any]:
    """Return the plain attributes of `exc` that are known to matter; texts are bounded."""
    found: dict[str, Any] = {}
    kind = type(exc)
    for base, names in _BUILTIN:
        if issubclass(kind, base):
            for name in names:
                descriptor = base.__dict__.get(name)
                if descriptor is not None:
                    _keep(found, name, descriptor.__get__(exc))
    own = object.__getattribute__(exc, "__dict__")
    for name in _NAMES:
        if name in own:
            _keep(found, name, own[name])
    _response(found, own.get("response"))
    return found


def _response(found: dict[str, Any], response: object) -> None:
    """Take the HTTP status out of `exc.response`, as requests, httpx and botocore keep it."""
    if response is None or "status_code" in found:
        return
    if type(response) is dict:
        metadata = response.get("ResponseMetadata")
        if type(metadata) is dict:
            _keep(found, "status_code", metadata.get("HTTPStatusCode"))
        return
    own = object.__getattribute__(response, "__dict__")
    _keep(found, "status_code", own.get("status_code", own.get("status")))


def _keep(found: dict[str, Any], name: str, value: object) -> None:
    if type(value) in _PLAIN:
        found[name] = shorten(value) if isinstance(value, str) else value
