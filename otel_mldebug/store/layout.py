"""Where everything lies in a store, what it is called, and which format of it this code can read."""

import json
import os
import platform
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otel_mldebug.errors import StoreError

FORMAT = 1
"""The format that this version writes. It reads this one and all before it."""

FORMAT_FILE = "format.json"
RUN_FILE = "run.json"
PROCESS_FILE = "process.json"
INDEX_FILE = "index.sqlite"
STATES_FILE = "states.jsonl"
TARGETS = "targets"
SIGNALS = ("logs", "traces", "metrics", "steps", "looks", "counts")
"""Kinds of records; each has a file `<signal>.jsonl` of its own, whose only writer is its process."""

_PART = re.compile(r"(?P<signal>[a-z]+)\.(?P<number>\d{4,})\.jsonl(?P<packed>\.gz)?")
_MAX_NAME = 100


def make_run_id(now_s: float | None = None) -> str:
    """Return a new run id: local time and four hex digits, such as `2026-11-21-143005-1f3a`."""
    local = time.localtime(now_s)
    return f"{time.strftime('%Y-%m-%d-%H%M%S', local)}-{os.urandom(2).hex()}"


def file_name(text: str) -> str:
    """Return `text` as the name of a file or directory: no separators, not hidden, at most 100 characters."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", text)[:_MAX_NAME].lstrip(".")
    return f"{name}_" if name in ("", TARGETS) else name


def run_directory(root: Path, run_id: str) -> Path:
    """Return the directory of a run. Whatever the id holds, it lies directly in `root`."""
    return root / file_name(run_id)


def process_name(host: str = "", rank: int | None = None, pid: int | None = None) -> str:
    """Return the name of a process's directory: `<host>-r<rank>-p<pid>`, without a rank `<host>-p<pid>`."""
    parts = [file_name(host or platform.node() or "localhost")]
    if rank is not None:
        parts.append(f"r{rank}")
    return "-".join([*parts, f"p{os.getpid() if pid is None else pid}"])


def live_name(signal: str) -> str:
    """Return the name of the file that is being written."""
    return f"{signal}.jsonl"


def part_name(signal: str, number: int, *, packed: bool = False) -> str:
    """Return the name of a closed part; numbers start at 1."""
    return f"{signal}.{number:04d}.jsonl{'.gz' if packed else ''}"


def parse_part(name: str) -> tuple[str, int, bool] | None:
    """Return signal, number and whether it is packed, for the name of a closed part."""
    if not (match := _PART.fullmatch(name)):
        return None
    return match["signal"], int(match["number"]), match["packed"] is not None


def check_format(root: Path) -> None:
    """Do nothing if this version can read the store in `root`, or if there is none yet.

    Raises:
        StoreError: a newer version wrote it.
    """
    found = (read_json(root / FORMAT_FILE) or {}).get("format", FORMAT)
    if not isinstance(found, int) or found > FORMAT:
        raise StoreError(
            f"The store {root} has format {found}; this version of otel-mldebug reads formats up to {FORMAT}. "
            "Upgrade it (pip install -U otel-mldebug), or use another directory: --store DIR."
        )


def prepare_root(root: Path) -> None:
    """Make the store's directory with its `format.json`; of a directory that is new, git shall see nothing.

    Raises:
        OSError: it cannot be made.
        StoreError: a newer version wrote it.
    """
    check_format(root)
    if (root / FORMAT_FILE).exists():
        return
    root.mkdir(parents=True, exist_ok=True)
    if not any(root.iterdir()):  # somebody's own directory of other things keeps being seen by git
        (root / ".gitignore").write_text("*\n", encoding="utf-8")
    write_json(root / FORMAT_FILE, {"format": FORMAT})


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in a file; None if there is none, or it is no JSON object."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Put an object into a file, so that a reader sees the old one or the new one, whole.

    Raises:
        OSError: it cannot be written; the old one is still there then.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        temporary.write_text(json.dumps(value, allow_nan=False) + "\n", encoding="utf-8")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
