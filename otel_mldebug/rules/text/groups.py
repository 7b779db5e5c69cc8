"""Exception groups as Python 3.11 prints them: a margin of `|` for each level, `+---- 1 ----` before each member."""

import re
from dataclasses import replace

from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.text.tracebacks import MAX_DEPTH, facts_of_block

MARGIN = re.compile(r"\s*[|+]")
_MEMBER = re.compile(r"(\s*)\+(?:-\+)?-{6,} (?:\d+|\.\.\.) -{6,}\s*$")
_END = re.compile(r"\s*\+-{20,}\s*$")
MAX_MEMBERS = 32


def facts_of_group(lines: list[str], level: int = 0) -> ErrorFacts | None:
    """Return the group in `lines` with its members; None when nothing in them reads as an exception."""
    head: list[str] = []
    members: list[list[str]] = []
    depth: int | None = None
    for line in lines:
        if (found := _MEMBER.match(line)) is not None:
            here = line.index("+", len(found.group(1)) + 1) if "+-+" in line else len(found.group(1))
            if depth is None or here == depth:
                depth = here
                members.append([])
                continue
        if depth is not None and members:
            if _END.match(line) and line.index("+") == depth:
                continue
            members[-1].append(line)
        else:
            head.append(line)
    own = facts_of_block([_unmargined(line).replace("Exception Group Traceback", "Traceback") for line in head])
    if own is None:
        return None
    found_members = [_member(member, level) for member in members[:MAX_MEMBERS]]
    return replace(own, group=tuple(member for member in found_members if member is not None))


def _member(lines: list[str], level: int) -> ErrorFacts | None:
    if level < MAX_DEPTH and any(_MEMBER.match(line) for line in lines):
        return facts_of_group(lines, level + 1)
    plain = [_unmargined(line) for line in lines]
    return facts_of_block(plain)


def _unmargined(line: str) -> str:
    """Return `line` without its margin: blanks, one `|` or `+`, one blank."""
    return re.sub(r"^\s*[|+] ?", "", line, count=1)
