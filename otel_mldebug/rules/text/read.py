"""Whole texts of unknown kind: a message, a traceback or a log."""

import re
from collections.abc import Iterable

from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.text.lines import clean, is_record, without_prefix
from otel_mldebug.rules.text.scan import Seen, scan, scan_numbered
from otel_mldebug.rules.text.tracebacks import TYPE_LINE, unwrapped_type

MAX_MESSAGE_LINES = 60
"""Lines of a text without a traceback that are still taken for one message."""
_NAME = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z_]\w*(?:\([\w.]+\))?$")


def read_text(text: str, numbered: Iterable[tuple[int, str]] | None = None) -> list[Seen]:
    """Return the failures in `text`; a text that is neither traceback nor log is one message.

    Args:
        text: The text.
        numbered: Its lines with their numbers, where those are not counted from 1.
    """
    seen = list(scan(text.splitlines()) if numbered is None else scan_numbered(numbered))
    if any(one.facts.frames or one.facts.cause for one in seen) or _says_itself(seen, text):
        return seen
    lines = [clean(line) for line in text.strip().splitlines()]
    if not lines or len(lines) > MAX_MESSAGE_LINES:
        return seen
    records = sum(1 for line in lines if is_record(line))
    if len(lines) > 1 and (records > len(lines) // 2 or (len(seen) > 1 and records)):
        return seen
    return [Seen(facts_of_message("\n".join(lines)), 1)]


def _says_itself(seen: list[Seen], text: str) -> bool:
    """Return whether one of several lines says it all: what a C++ exception says, or that a process was killed."""
    return bool(seen) and ("what():" in text or ("\n" in text.strip() and seen[0].facts.message.startswith("Killed")))


def facts_of_message(text: str) -> ErrorFacts:
    """Return the facts of one bare message: `Type: message`, or the message alone."""
    first, _, rest = text.partition("\n")
    said = without_prefix(first)
    found = TYPE_LINE.match(said)
    if found is not None and _looks_like_class(found.group(1), has_message=found.group(2) is not None):
        message = "\n".join(part for part in (found.group(2) or "", rest) if part)
        return ErrorFacts(type=unwrapped_type(found.group(1)), message=message)
    return ErrorFacts(message="\n".join(part for part in (said or first, rest) if part))


def _looks_like_class(name: str, *, has_message: bool) -> bool:
    last = name.rpartition(".")[2]
    if not _NAME.match(name):
        return False
    telling = (
        "Error",
        "Exception",
        "Warning",
        "Interrupt",
        "Exit",
        "Timeout",
        "NotFound",
        "Iteration",
        "Group",
        "Invalid",
    )
    if last.endswith(telling) or "Error(" in last:
        return True
    return has_message and "." in name and last[:1].isupper()
