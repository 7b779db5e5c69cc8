"""What torchrun says at the end of a job that failed: which rank failed first, how, and with what.

Source: torch/distributed/elastic/multiprocessing/errors/__init__.py, `ChildFailedError.format_msg`.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from otel_mldebug.rules.codes import SIGNALS
from otel_mldebug.rules.facts import ErrorFacts

ROOT = "Root Cause (first observed failure)"
_FIELD = re.compile(r"[ \t]{1,8}(rank|exitcode|host|traceback) *: ?(.*)")
_RANK = re.compile(r"(\d{1,7})(?: \(local_rank: (\d{1,7})\))?")
_EXIT = re.compile(r"(-?\d{1,10})(?:.*\((SIG[A-Z\d]{2,8})\))?")
_FAILED = re.compile(r"\s*=+\s*(\S.*?) FAILED\s*$", re.MULTILINE)
_BY_THE_LAUNCHER = ("SIGTERM", "SIGINT")
"""How the launcher ends the other ranks: no failures of theirs."""
_MAX_RANKS = 64


def root_failure(facts: ErrorFacts, read: Callable[[str], ErrorFacts | None]) -> ErrorFacts | None:
    """Return `facts` with what its summary says of the rank that failed first; None where it is no such summary.

    The message becomes one line, which does not depend on when it happened and on what the launcher ended afterwards.

    Args:
        facts: A `ChildFailedError`, or a text that ends with its summary.
        read: Reads a quoted traceback.
    """
    others, found, summary = facts.message.partition(ROOT)
    if not found:
        return None
    fields, traceback = _fields(summary.split("\n=====", 1)[0])
    rank = _RANK.match(fields.get("rank", ""))
    code = _EXIT.match(fields.get("exitcode", ""))
    if rank is None or code is None:
        return None
    known: dict[str, Any] = {"exit_code": int(code[1]), "rank": int(rank[1])}
    said = f"{ROOT}: rank {rank[1]}"
    if rank[2] is not None:
        said += f" (local_rank: {rank[2]})"
    if (host := fields.get("host", "")) and host != "localhost":
        said += f" on host {host}"
    said += f", exitcode: {code[1]}"
    if code[2] is not None:
        said += f" ({code[2]})"
        if code[2] in SIGNALS:
            known["signal"] = SIGNALS[code[2]]
    if also := _also_failed(others):
        said += f"; failed too: rank{'s' * (len(also) > 1)} {', '.join(also)}"
    program = _FAILED.search(others)
    message = f"{program[1]} FAILED. {said}" if program else said
    inner = read(traceback) if traceback else None
    cause = facts.cause if inner is None else inner
    return replace(facts, message=message, cause=cause, attributes={**facts.attributes, **known})


def _fields(block: str) -> tuple[dict[str, str], str]:
    """Return the fields of one failure, and the traceback that is the last of them; empty where it is none."""
    fields: dict[str, str] = {}
    lines = block.splitlines()
    for place, line in enumerate(lines):
        found = _FIELD.match(line)
        if found is None:
            continue
        if found[1] == "traceback":
            quoted = found[2].startswith("Traceback (most recent call last)")
            return fields, "\n".join([found[2], *lines[place + 1 :]]) if quoted else ""
        fields[found[1]] = found[2].strip()
    return fields, ""


def _also_failed(others: str) -> list[str]:
    """Return the other ranks that failed by themselves, as the summary's first part lists them."""
    ranks: list[str] = []
    for block in others.split("\n[")[1:]:
        fields, _ = _fields(block)
        rank, code = _RANK.match(fields.get("rank", "")), _EXIT.match(fields.get("exitcode", ""))
        if rank is not None and code is not None and code[2] not in _BY_THE_LAUNCHER and len(ranks) < _MAX_RANKS:
            ranks.append(rank[1])
    return sorted(ranks, key=int)
