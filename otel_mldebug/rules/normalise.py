"""Takes out of a message what differs between two occurrences of one failure, and keeps what tells failures apart.

Only words with a digit or a path in them are looked at, one by one, because most of a message is neither.
"""

import re
from functools import lru_cache

from otel_mldebug.rules.matching import readable

MAX_LENGTH = 400
"""Characters of a normalised message that count."""
_LOOKED_AT = 1600

_VARIES = re.compile(r"[\d/\\]")
_WORD = re.compile(r"(?<![\w./\\:@%+~-])[\w./\\:@%+~-]*[\d/\\](?:[\w./\\:@%+~-]|,(?=\d{3}(?!\d)))*")
_REQUEST = re.compile(
    r"\brequest[ _-]?id[ :=('\"]{1,4}[\w=;:/.-]+|\b(?:req|chatcmpl)[_-]\w{8,}"
    r"|\borg-(?=\w{0,40}\d)\w{8,}|\bRoot=1-[\w=;-]+",
    re.IGNORECASE,
)
_POOL = re.compile(r"host='[^']{0,255}', port=\d+")
_MIXED = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z0-9]{8,64}(?![A-Za-z0-9]))[A-Za-z]*(?:\d+[A-Za-z]+){2,32}\d*")
"""Made-up names such as `7d9f8b6c5`: letters and digits in turns."""
_REPLICA = re.compile(r"<id>-[a-z0-9]{5}(?![\w-])")
"""What Kubernetes hangs on the name of a pod behind the hash of its template."""
_MADE_UP = re.compile(r"(?<![A-Za-z0-9])tmp[a-z0-9_]{8}(?![a-z0-9_])")
"""Names that Python's tempfile makes."""
_MEASURED = re.compile(r" \(?GPU <n>(?:;| total| has a total)")
"""From here on an out-of-memory message only says what the memory looked like."""
_CODE_BEFORE = re.compile(
    r"(?:HTTP(?:/\d(?:\.\d)?)?(?: Error| status)?(?: code)?|status(?:[ _]code)?|errno|WinError|\berror(?: code)?"
    r"|exit(?:ed)?(?: with)?(?: exit)?(?:[ _]?(?:code|status))?|exitcode|return(?:ed)?[ _]?code|non-zero exit status"
    r"|\bcode|signal|StatusCode|Xid)['\" :=(\[]{0,4}$",
    re.IGNORECASE,
)
_JOINTS = (":", "=", "-", "->")
"""Words that only stand between a name and its value."""
_CODE_WORDS = frozenset(
    {
        "http",
        "error",
        "status",
        "code",
        "errno",
        "winerror",
        "exit",
        "exited",
        "with",
        "exitcode",
        "return_code",
        "returncode",
        "exit_code",
        "signal",
        "statuscode",
        "status_code",
        "xid",
        "http/1.0",
        "http/1.1",
        "http/2",
        "http/2.0",
        "error_code",
    }
)
"""Words, one of which stands before a code that is a word of its own: looked at first, because it is quick."""
_ANSWER_BEFORE = re.compile(r"\b(?:returned|response|responded with|answered|received)['\" :=(\[]{0,4}$", re.IGNORECASE)
_STATUSES = frozenset(
    (
        *(*range(400, 411), 413, 415, 416, 418, *range(422, 426), 428, 429, 431, 451),
        *(*range(500, 506), 507, 508, 511, *range(520, 527), 529, 530),
    )
)
"""Answers of HTTP servers that are in use, those of large proxies included."""
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_TIME = re.compile(
    r"\d{4}[-/]\d\d[-/]\d\d(?:T\d\d:\d\d.*)?|\d{1,3}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?|\d{1,3}:\d\d:\d\d.*"
)
_HOST = re.compile(
    r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|localhost:\d{2,5}"
    r"|(?!(?:cuda|xpu|hpu|npu|mps|cpu):)(?![\w.-]*\.(?:py|cpp|cc|cu|cuh|c|h|hpp|rs):)"
    r"(?=[\w-]*[.\d-])[a-z][\w.-]*:\d{2,5}|\[?[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}\]?(?::\d+)?",
    re.IGNORECASE,
)
_TEMPORARY = re.compile(r"(?:/private)?/(?:tmp|var/folders|var/tmp|dev/shm)/|[A-Z]:\\.*\\Temp\\", re.IGNORECASE)
_HOME = re.compile(r"/(?:home|Users)/[^/]+|[A-Z]:\\Users\\[^\\]+|/root(?=/)")
_DTYPE = re.compile(
    r"(?:torch\.|np\.|numpy\.)?(?:b?float|u?int|complex|bf|fp|tf|nf|f|i|u)(?:4|8|16|32|64|128)(?:_e\dm\d\w*)?"
    r"|(?:torch\.)?(?:cuda\.)?\w*?(?:Float|Int|BFloat)(?:8|16|32|64)\w*|[248]-?bits?|\w+?[1-4][dD](?:\.\w+)?"
    r"|e\dm\d\w*|sha\d+|md5|utf-?8",
    re.IGNORECASE,
)
_HEX = re.compile(r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,64}", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|(?:(?<![\w.])[-+])?\d+(?:\.\d+)?(?:e[-+]?\d+(?![a-z]))?", re.IGNORECASE)
_UNIT = re.compile(
    r"<n> ?(?:[KMGTP]i?B?|bytes?|B|ms|milliseconds?|microseconds?|us|ns|s|sec(?:ond)?s?|m|min(?:ute)?s?|h|hours?"
    r"|days?|%)(?!\w)|<n>\. [KMGTP]?i?B(?!\w)"
)
_LIST = re.compile(r"<n>(?:(?:\s?[,;x×*/]\s?|\s)<n>)+")
_REPEATED = re.compile(r"(\b[A-Z]{3,12}\([-\d]{0,5}\))(?:, \1)+")
"""How each of several workers ended, where all ended alike: how many there were does not matter."""
_DATES = re.compile(r"<time>(?:[ ,]{1,2}<time>)+")


def normalise(message: str) -> str:
    """Return any message without what varies in it; see `normalised`."""
    return normalised(readable(message))


@lru_cache(maxsize=256)
def normalised(text: str) -> str:
    """Return a readable message without addresses, sizes, numbers, times, ids, temporary paths and hosts.

    HTTP status, errno, signals, exit codes, element types and device kinds stay, because they tell failures apart.
    """
    text = text[:_LOOKED_AT]
    if _VARIES.search(text) is None and "equest" not in text and "req" not in text:
        return text[:MAX_LENGTH]
    if "equest" in text or "req" in text or "Root=" in text or "org-" in text:
        text = _REQUEST.sub("<request>", text)
    if "host='" in text:
        text = _POOL.sub("<host>", text)
    words = text.split(" ")
    changed = False
    for place, word in enumerate(words):
        if not word.isalpha() and _VARIES.search(word) is not None:
            words[place] = _changed(words, place)
            changed = True
    if changed:
        text = _tidied(" ".join(words))
    return text[:MAX_LENGTH]


def _tidied(text: str) -> str:
    """Return `text` with runs of placeholders made one, and without units and measurements."""
    if "<n>" in text:
        text = _LIST.sub("<n>", _UNIT.sub("<n>", text))
        text = text.replace("[<n>]", "[]").replace("(<n>)", "()").replace("(<n>,)", "()")
        if "GPU <n>" in text and (measured := _MEASURED.search(text)) is not None:
            text = text[: measured.start()]
    if "), " in text:
        text = _REPEATED.sub(r"\1", text)
    return _DATES.sub("<time>", text) if "<time>" in text else text


def _changed(words: list[str], place: int) -> str:
    """Return the word at `place` without what varies in it."""
    word = words[place]
    plain = word.strip("()[]{},;:.'\"")
    if plain.isdecimal() or plain.replace(".", "", 1).isdecimal():  # most words with digits are just a number
        before = word[: word.index(plain)]
        return word if _is_code(words, place, before, plain) else word.replace(plain, "<n>", 1)
    out, last = "", 0
    for found in _WORD.finditer(word):
        start, end = found.span()
        part = word[start:end]
        core = part.rstrip(".:-")
        number = core.lstrip("-")
        if number.isdecimal() and _is_code(words, place, word[:start], number):
            changed = core
        else:
            changed = _without_numbers(core)
        out += word[last:start] + changed + part[len(core) :]
        last = end
    return out + word[last:]


def _is_code(words: list[str], place: int, before: str, number: str) -> bool:
    """Return whether the number is a status, errno, signal or exit code, by the words around it."""
    if len(number) > 5 or not number.isdecimal():
        return False
    previous = words[place - 1] if place else ""
    if previous in _JOINTS and place > 1:
        previous = words[place - 2]
    previous = previous.strip("()[]{},;:.='\"").lower()
    named = previous in _CODE_WORDS or before.strip("([{'\"")
    status = len(number) == 3 and int(number) in _STATUSES
    if not named and not status:
        return False
    context = " ".join((*words[max(0, place - 3) : place], before))
    if named and _CODE_BEFORE.search(context) is not None:
        return True
    if not status:
        return False
    if _ANSWER_BEFORE.search(context) is not None:
        return True
    after = words[place + 1] if place + 1 < len(words) else ""
    return after[:1].isupper() and after[1:].rstrip(":.,").islower()  # 404 Not Found, 503 Server Error


@lru_cache(maxsize=4096)
def _without_numbers(word: str) -> str:
    """Return one word without what varies in it."""
    if "/" in word or "\\" in word:
        if (found := _TEMPORARY.search(word)) is not None:
            return word[: found.start()] + "<tmp>"
        word = _HOME.sub("~", word)
    elif _UUID.fullmatch(word) or _HEX.fullmatch(word):
        return "<id>"
    elif word[:2].lower() == "0x":
        return "<address>"
    elif _DTYPE.fullmatch(word):
        return word
    elif _TIME.fullmatch(word):
        return "<time>"
    elif (":" in word or word.count(".") == 3) and _HOST.fullmatch(word):
        return "<host>"
    word = _MIXED.sub("<id>", _UUID.sub("<id>", _MADE_UP.sub("<tmp>", word)))
    if "<id>-" in word:
        word = _REPLICA.sub("<id>", word)
    return _NUMBER.sub("<n>", word)
