"""The hard facts of a failure: errno, HTTP status, signal and exit code, from attributes or from the message."""

import re
from collections.abc import Mapping

from otel_mldebug.rules.facts import ErrorFacts

# The statuses that there are, the usual ones of proxies among them: 512 is a size, not a status.
_BAD = r"(4(?:0\d|1[0-8]|2[1-689]|31|51|9[89])|5(?:0\d|1[01]|2\d|30|98|99))(?![\w.%]|-\w|,\d)"
_COUNTED = (  # what makes a number a count or a size: 429 samples, 404 MB, 500 x 500
    r"(?! ?(?:[kmgt]?i?b|ms|s|px|hz|x|of)\b| ?[*/×]| (?:[\w-]{1,20} )?(?:samples|images|files|steps|tokens|rows|items|"
    r"examples|epochs|batches|elements|classes|bytes|param(?:eter)?s|features|channels|records|lines|columns|times|"
    r"seconds|pixels|labels|keys|entries|values|documents|frames|workers|layers|points)\b)"
)
_REASONS = (
    r"Too Many Requests|Bad Gateway|Service (?:Temporarily )?Unavailable|Gateway Time-?out|Internal (?:Server )?Error|"
    r"Bad Request|Unprocessable|Payload Too Large|Content Too Large|Request Entity Too Large|Method Not Allowed|"
    r"Request Time-?out|Precondition Failed|Payment Required|Proxy Authentication Required|Not Implemented|"
    r"Resource (?:has been )?Exhausted|Deadline Exceeded|Permission Denied|Rate limit|Unauthori[sz]ed|Forbidden|"
    r"URI Too Long|Requested Range Not Satisfiable|Insufficient Storage|Client Error|Server Error"
)
_STATUS = re.compile(
    r"\bHTTP(?:/\d(?:\.\d)?[\"']?)?(?:[ _]?(?:Error|status|response))?(?:[ _]?code)?[ :=]{1,3}(\d{3})\b(?!\.\d)"
    r"|(?<!exit )(?<!exit_)\bstatus(?:[ _-]?code)?(?: is| was| of)?[ '\":=]{1,4}(\d{3})\b"
    rf"|(?<!exit )\b(?:response|error|error_?code|code)[\"']?[ :=(\[]{{1,3}}[\"']?{_BAD}{_COUNTED}"
    rf"|\boccurred \({_BAD}\)"
    rf"|\b{_BAD}[ :(-]{{1,3}}(?:{_REASONS})"
    rf"|\b{_BAD} (?-i:Not Found|Conflict|Gone|Locked)\b|(?:\A|[:\[(,;\"'-] ?){_BAD} not found\b"
    # At the beginning, with a sentence after it: Google's clients, model servers.
    rf"|\A\[?{_BAD}{_COUNTED}(?:\]?\Z|\] |:? (?-i:[A-Z][a-z]+|[A-Z]{{3,}}|A|I)\b|:? models?/)",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    rf"\b(?:returned|responded with|replied with|received|got|with)(?: an?)?(?: error)?[ :(]{{1,3}}{_BAD}{_COUNTED}",
    re.IGNORECASE,
)
_WEB = re.compile(
    r"http|server|request|respon|url\b|\bapi|gateway|endpoint|load(?:ing|ed)?\b.*/|\bproxy", re.IGNORECASE
)
_THREE_DIGITS = re.compile(r"(?<!\d)[1-5]\d\d(?!\d)")
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
    if "status" not in found and _may_hold_a_status(text, lowered):
        _read(found, "status", _STATUS, text)
        if "status" not in found and _WEB.search(text) is not None:
            _read(found, "status", _ANSWER, text)
    if "errno" not in found and ("errno" in lowered or "[error" in lowered):
        _read(found, "errno", _ERRNO, text)
    leaves = "exit" in lowered or "return" in lowered
    if leaves and "exit_code" not in found:
        _read(found, "exit_code", _EXIT, text)
    if "signal" not in found and (leaves or "signal" in lowered or "SIG" in text):
        _read_signal(found, text)
    return _completed(found) if found else found


_DIGIT = re.compile(r"\d")
_BAD_DIGITS = re.compile(r"[45]\d\d")
_BAD_ALONE = re.compile(rf"(?<!\d){_BAD}")


def _may_hold_a_status(text: str, lowered: str) -> bool:
    """Return whether it is worth looking closer, which costs more than all else here."""
    if "http" in lowered or "status" in lowered:
        return _THREE_DIGITS.search(text) is not None
    return _BAD_DIGITS.search(text) is not None and _BAD_ALONE.search(text) is not None


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
