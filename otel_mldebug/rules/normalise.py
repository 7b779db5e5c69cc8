"""Takes out of a message what differs between two occurrences of one failure, and keeps what tells failures apart."""

import re

from otel_mldebug.rules.matching import readable

MAX_LENGTH = 400
"""Characters of a normalised message that count."""

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e[-+]?\d+)?)"
_UNITS = r"(?:[KMGTP]i?B|bytes|B|ms|milliseconds?|microseconds?|us|ns|s|sec(?:ond)?s?|min(?:ute)?s?|hours?|h|days?)\b|"
_CODE = (
    r"(?:HTTP(?:/\d(?:\.\d)?)?(?: Error| status)?(?: code)?|status(?:[ _]code)?|errno|WinError|error code"
    r"|exit(?:ed)?[ _]?(?:with )?(?:code|status)|exitcode|return(?:ed)?[ _]?code|non-zero exit status|code|signal"
    r"|CUDA error|CUDNN error)"
)
_DATE = r"\b\d{4}[-/]\d\d[-/]\d\d(?:[T ,]{1,2}\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?Z|[-+]\d\d:?\d\d)?)?"
_HOST = (
    r"\bhost='[^']*', port=\d+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\[[0-9a-f:]{2,39}\]:\d+"
    r"|\b(?:[a-z0-9](?:[\w-]*\.)+[a-z]{2,}|localhost|[a-z][\w-]*\d[\w-]*|[a-z][\w-]*node[\w-]*):\d{2,5}\b"
)
_TEMPORARY = (
    r"(?:/private)?/(?:tmp|var/folders|var/tmp|dev/shm)/[^\s'\",:)\]}]*"
    r"|\b[A-Z]:\\[^'\"\n]{0,80}?\\Temp\\[^\s'\",:)\]}]*"
)
_DTYPE = (
    r"\b(?:torch\.)?(?:b?float|u?int|complex|bf|fp|tf|i|u|f|nf)(?:4|8|16|32|64|128)(?:_e\dm\d\w*)?\b"
    r"|\b[248]-?bits?\b|\b[a-z]\w*?[1-4]d\b|\bsha\d+\b|\bmd5\b|\butf-?8\b"
)
_PARTS: tuple[tuple[str, str, str], ...] = (
    ("request", r"\brequest[ _-]?id[ :=('\"]{1,4}[\w=;:/.-]+|\breq_\w{8,}|\bRoot=1-[\w=;-]+", "<request>"),
    ("uuid", r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
    ("address", r"\b0x[0-9a-f]+\b", "<address>"),
    ("time", rf"{_DATE}|\b\d{{1,3}}:\d\d:\d\d(?:[.,]\d+)?\b", "<time>"),
    ("answer", r"\b[45]\d\d (?=(?:Client|Server) Error|[A-Z][a-z])", ""),
    ("code", _CODE + r"['\" :=(\[]{1,4}-?\d+", ""),
    ("host", _HOST, "<host>"),
    ("temporary", _TEMPORARY, "<tmp>"),
    ("home", r"/(?:home|Users)/[^/\s'\"]+|\b[A-Z]:\\Users\\[^\\\s'\"]+|/root(?=/)", "~"),
    ("dtype", _DTYPE, ""),
    ("hex", r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,64}\b", "<id>"),
    ("amount", rf"(?<![\w.])[-+]?{_NUMBER} ?(?:{_UNITS}%)", "<n>"),
    ("number", r"(?<![\w.])[-+]\d+(?:\.\d+)?(?:e[-+]?\d+)?|\d+(?:,\d{3})+|\d+(?:\.\d+)?(?:e[-+]?\d+\b)?", "<n>"),
)
"""Name, expression, and what it is replaced with; empty where it stays. The first that matches at a place counts."""
_ANY = re.compile("|".join(f"(?P<{name}>{expression})" for name, expression, _ in _PARTS), re.IGNORECASE)
_REPLACEMENTS = {name: replacement for name, _, replacement in _PARTS}
_LIST = re.compile(r"<n>(?:(?:\s?[,;x×*]\s?|\s)<n>)+")
_EMPTY = re.compile(r"([\[(])\s*(?:<n>)?,?\s*([\])])")
_INTERESTING = re.compile(r"[0-9/\\]|request|localhost", re.IGNORECASE)


def _replace(found: "re.Match[str]") -> str:
    return _REPLACEMENTS[str(found.lastgroup)] or found.group(0)


def normalise(message: str) -> str:
    """Return `message` without addresses, sizes, numbers, times, ids, temporary paths and hosts.

    HTTP status, errno, signals, exit codes, element types and device kinds stay, because they tell failures apart.
    """
    text = readable(message)[: 4 * MAX_LENGTH]
    if _INTERESTING.search(text):
        text = _ANY.sub(_replace, text)
        text = _LIST.sub("<n>", text)
        text = _EMPTY.sub(r"\1\2", text)
    return text[:MAX_LENGTH]
