"""The hard facts of a failure: errno, HTTP status, signal and exit code, from attributes or from the message."""

import re
from collections.abc import Mapping

from otel_mldebug.rules.facts import ErrorFacts

_STATUS = re.compile(
    r"\bHTTP(?:/\d(?:\.\d)?)?(?: Error| status)?(?: code)?[ :=]{1,3}(\d{3})\b"
    r"|\b([45]\d\d) (?:Client|Server) Error\b"
    r"|\bstatus(?:[ _]code)?(?: is| was| of)?[ '\":=]{1,4}(\d{3})\b"
    r"|\bError code: ([45]\d\d)\b"
    r"|\b(?:response|returned|got|error|code)[ :(]{1,3}([45]\d\d)\b(?! ?[kmg]?i?b)"
    r"|\b([45]\d\d) (?:Too Many Requests|Bad Gateway|Service Unavailable|Gateway Time-?out|Internal Server Error|"
    r"Unauthorized|Forbidden|Not Found|Bad Request|Unprocessable|Payload Too Large|Conflict)\b",
    re.IGNORECASE,
)
_ERRNO = re.compile(r"\[(?:Errno|Error) (-?\d+)\]|\berrno[ :=]{1,3}(\d+)|\(errno (\d+)\)", re.IGNORECASE)
_SIGNAL = re.compile(
    r"\bsignal[ :=]{0,3}(?:number )?\(?(\d{1,2})\b|\b(SIG[A-Z]{2,6}\d?)\b|\bexit ?code ?:? ?-(\d{1,2})\b"
)
_EXIT = re.compile(
    r"\bexit(?:ed)?(?: with)?(?: non-zero)?[ _]?(?:code|status)[ :=]{0,3}(-?\d{1,10})\b"
    r"|\breturn(?:ed)?[ _]?code[ :=]{0,3}(-?\d{1,10})\b|\bexitcode[ :=]{0,3}(-?\d{1,10})\b",
    re.IGNORECASE,
)
SIGNALS: Mapping[str, int] = {
    "SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGILL": 4, "SIGTRAP": 5, "SIGABRT": 6, "SIGIOT": 6, "SIGBUS": 7,
    "SIGFPE": 8, "SIGKILL": 9, "SIGUSR1": 10, "SIGSEGV": 11, "SIGUSR2": 12, "SIGPIPE": 13, "SIGALRM": 14,
    "SIGTERM": 15, "SIGXCPU": 24, "SIGXFSZ": 25,
}  # fmt: skip
"""Numbers on Linux; the table does not depend on where we run, because the text may come from elsewhere."""


def codes(facts: ErrorFacts, text: str, lowered: str) -> dict[str, int]:
    """Return what is known among `errno`, `status`, `signal` and `exit_code`.

    Args:
        facts: The failure.
        text: Its message, made readable.
        lowered: `text` in lower case.
    """
    found = _from_attributes(facts)
    if _DIGIT.search(text) is None and "SIG" not in text:
        return _completed(found) if found else found
    if "status" not in found and _may_hold_status(lowered):
        _read(found, "status", _STATUS, text)
    if "errno" not in found and ("errno" in lowered or "[error" in lowered):
        _read(found, "errno", _ERRNO, text)
    leaves = "exit" in lowered or "return" in lowered
    if leaves and "exit_code" not in found:
        _read(found, "exit_code", _EXIT, text)
    if "signal" not in found and (leaves or "signal" in lowered or "SIG" in text):
        _read_signal(found, text)
    return _completed(found) if found else found


_DIGIT = re.compile(r"\d")


def _may_hold_status(lowered: str) -> bool:
    """Return quickly whether the words are there without which no status is recognised."""
    return (
        "http" in lowered
        or "status" in lowered
        or "code" in lowered
        or "r error" in lowered
        or "t error" in lowered
        or "respon" in lowered
        or "return" in lowered
        or "got " in lowered
        or "gateway" in lowered
        or " request" in lowered
        or "unauthorized" in lowered
        or "forbidden" in lowered
        or "not found" in lowered
    )


def _read(found: dict[str, int], name: str, expression: "re.Pattern[str]", text: str) -> None:
    hit = expression.search(text)
    if hit is not None:
        found[name] = int(next(group for group in hit.groups() if group is not None))


def _read_signal(found: dict[str, int], text: str) -> None:
    hit = _SIGNAL.search(text)
    if hit is None:
        return
    number, name, negative = hit.groups()
    signal = int(number or negative or SIGNALS.get(name or "", 0))
    if 0 < signal < 65:
        found["signal"] = signal


def _completed(found: dict[str, int]) -> dict[str, int]:
    """Add the signal that an exit code tells of: -9 from Python, 137 from a shell."""
    exit_code = found.get("exit_code", 0)
    if "signal" not in found and (-65 < exit_code < 0 or 128 < exit_code < 128 + 32):
        found["signal"] = -exit_code if exit_code < 0 else exit_code - 128
    if not 100 <= found.get("status", 100) <= 599:
        del found["status"]
    return found


_NAMES = {
    "errno": ("errno",),
    "status": ("status", "status_code", "http_status", "code"),
    "signal": ("signal",),
    "exit_code": ("exit_code", "exitcode", "returncode"),
}


def _from_attributes(facts: ErrorFacts) -> dict[str, int]:
    found: dict[str, int] = {}
    if not facts.attributes:
        return found
    for name, spellings in _NAMES.items():
        for spelling in spellings:
            value = facts.attributes.get(spelling)
            if isinstance(value, int) and not isinstance(value, bool):
                if name == "status" and not 100 <= value <= 599:
                    continue
                found[name] = value
                break
    return found
