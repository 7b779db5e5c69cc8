"""What people have decided about groups of findings: resolved, ignored, open again. One small file in the store."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from otel_mldebug.errors import StoreError
from otel_mldebug.store.layout import STATES_FILE
from otel_mldebug.store.reader import parse

Name = Literal["open", "resolved", "ignored", "reopened"]
DECISIONS: tuple[Name, ...] = ("open", "resolved", "ignored")
"""What can be decided; `reopened` is what a resolved group becomes by occurring again."""
MAX_NOTE = 1000
"""Characters of a note."""
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What was decided last about a group.

    Attributes:
        name: What it is now.
        since_ns: When that was decided, nanoseconds since the epoch.
        note: Why, in somebody's words.
    """

    name: Name
    since_ns: int
    note: str = ""

    def after(self, last_seen_ns: int) -> "State":
        """Return what it is for a group that was last seen then: resolved and seen since is reopened."""
        if self.name == "resolved" and last_seen_ns > self.since_ns:
            return State(name="reopened", since_ns=self.since_ns, note=self.note)
        return self


def key_of(finding: Mapping[str, Any]) -> str:
    """Return what a group is called among the decisions: its fingerprint, without one its rule."""
    return str(finding.get("fingerprint") or finding["rule"])


def read(root: Path) -> dict[str, State]:
    """Return the latest decision about each group of a store; open ones are left out. Damaged lines are passed over."""
    found: dict[str, State] = {}
    try:
        rows = (root / STATES_FILE).read_bytes().split(b"\n")
    except OSError:
        return found
    for row in rows[:-1]:  # what follows the last newline is not there yet
        line = parse(row) or {}
        key, name, since_ns, note = (line.get(field) for field in ("group", "state", "time_ns", "note"))
        if isinstance(key, str) and name in DECISIONS and type(since_ns) is int:
            found[key] = State(name=name, since_ns=since_ns, note=note if isinstance(note, str) else "")
    return {key: state for key, state in found.items() if state.name != "open"}


def decide(root: Path, key: str, name: Name, *, time_ns: int, note: str = "") -> State:
    """Write down a decision: one line with one `write`, so that any number of people may decide at a time.

    Raises:
        StoreError: it cannot be written.
    """
    state = State(name=name, since_ns=time_ns, note=note[:MAX_NOTE])
    line = {"v": 1, "time_ns": time_ns, "group": key, "state": name, **({"note": state.note} if note else {})}
    data = json.dumps(line).encode() + b"\n"
    path = root / STATES_FILE
    try:
        fd = os.open(path, _FLAGS, 0o666)
        try:
            if _torn(fd):  # a disk that was full: its half line costs only itself
                data = b"\n" + data
            if os.write(fd, data) != len(data):
                raise OSError("not all of it was written")
        finally:
            os.close(fd)
    except OSError as exc:
        raise StoreError(f"Could not write {path} ({exc}); nothing was changed.") from None
    return state


def _torn(fd: int) -> bool:
    size = os.lseek(fd, 0, os.SEEK_END)
    if not size:
        return False
    os.lseek(fd, size - 1, os.SEEK_SET)
    return os.read(fd, 1) != b"\n"
