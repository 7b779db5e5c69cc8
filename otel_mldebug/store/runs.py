"""Which runs a store holds, and how each of them ended."""

import os
import platform
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otel_mldebug.semconv import names
from otel_mldebug.store.layout import PROCESS_FILE, RUN_FILE, read_json
from otel_mldebug.store.reader import process_directories
from otel_mldebug.store.times import parse_rfc3339, rfc3339

FRESH_S = 60.0
"""A process on another host counts as running while its files are younger than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process of a run, as far as it has described itself.

    Attributes:
        name: Its directory.
        started_ns: When it began to record; None when unknown.
        ended_ns: When it let go of its files in good order; None while it has not.
        pid: Process id.
        host: Name of its host; empty when unknown.
        rank: Rank; None outside of distributed training.
        resource: Its OpenTelemetry resource attributes.
        watched: What it watched.
        dropped: Records that it had to give up, by signal.
    """

    name: str
    started_ns: int | None = None
    ended_ns: int | None = None
    pid: int | None = None
    host: str = ""
    rank: int | None = None
    resource: Mapping[str, Any]
    watched: Mapping[str, Any]
    dropped: Mapping[str, int]

    def by_rank(self) -> tuple[bool, int, str]:
        """Return a key to sort by: ranks in order, then processes without one by name."""
        return self.rank is None, self.rank or 0, self.name

    def to_json(self) -> dict[str, Any]:
        """Return the process as the command line prints it."""
        out = {
            "process": self.name,
            "host": self.host,
            "rank": self.rank,
            "pid": self.pid,
            "started": None if self.started_ns is None else rfc3339(self.started_ns),
            "ended": None if self.ended_ns is None else rfc3339(self.ended_ns),
            "watched": dict(self.watched),
            "dropped": dict(self.dropped),
            "resource": dict(self.resource),
        }
        return {key: value for key, value in out.items() if value not in (None, "", {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run.

    Attributes:
        run_id: Its id.
        status: `running`, `finished` (exit code 0, or ended in good order without a supervisor), `failed` (another exit
            code) or `killed` (by a signal, or gone without a word).
        started_ns: When it began.
        ended_ns: When it ended; None when it has not, or nobody saw it.
        exit_code: Of the command under the supervisor; None without one.
        signal: What killed it, such as `SIGKILL`; empty otherwise.
        about: All that the supervisor wrote down.
        path: Its directory.
        processes: Its processes that have recorded something.
    """

    run_id: str
    status: str
    started_ns: int
    ended_ns: int | None
    exit_code: int | None
    signal: str
    about: Mapping[str, Any]
    path: Path
    processes: tuple[Process, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the run as the command line prints it."""
        out = {
            "run_id": self.run_id,
            "status": self.status,
            "started": rfc3339(self.started_ns),
            "ended": None if self.ended_ns is None else rfc3339(self.ended_ns),
            "exit_code": self.exit_code,
            "signal": self.signal,
            "argv": self.about.get("argv"),
            "processes": [process.to_json() for process in self.processes],
        }
        return {key: value for key, value in out.items() if value not in (None, "")}


def read_run(path: Path) -> Run:
    """Return the run in a directory."""
    about = read_json(path / RUN_FILE) or {}
    processes = tuple(read_process(directory) for directory in process_directories(path))
    starts = [process.started_ns for process in processes if process.started_ns is not None]
    started_ns = parse_rfc3339(about.get("started")) or min(starts, default=None) or _modified_ns(path)
    ids = [about.get("run_id"), *(process.resource.get(names.MLDEBUG_RUN_ID) for process in processes)]
    return Run(
        run_id=next((run_id for run_id in ids if isinstance(run_id, str) and run_id), path.name),
        status=_status(path, about, processes),
        started_ns=started_ns,
        ended_ns=_ended_ns(about, processes),
        exit_code=_int(about.get("exit_code")),
        signal=signal if isinstance(signal := about.get("signal"), str) else "",
        about=about,
        path=path,
        processes=processes,
    )


def read_process(path: Path) -> Process:
    """Return what a process has written about itself."""
    page = read_json(path / PROCESS_FILE) or {}
    resource = _dict(page.get("resource"))
    return Process(
        name=path.name,
        started_ns=parse_rfc3339(page.get("started")),
        ended_ns=parse_rfc3339(page.get("ended")),
        pid=_int(page.get("pid")),
        host=str(resource.get(names.HOST_NAME, "")),
        rank=_int(resource.get(names.MLDEBUG_RANK)),
        resource=resource,
        watched=_dict(page.get("watched")),
        dropped={key: value for key, value in _dict(page.get("dropped")).items() if isinstance(value, int)},
    )


def _status(path: Path, about: Mapping[str, Any], processes: tuple[Process, ...]) -> str:
    if about.get("signal"):
        return "killed"
    code = _int(about.get("exit_code"))
    if code is not None:
        return "failed" if code else "finished"
    if about:
        host = about.get("host")
        return "running" if _alive(path, host if isinstance(host, str) else "", _int(about.get("pid"))) else "killed"
    open_ones = [process for process in processes if process.ended_ns is None]
    if any(_alive(path / process.name, process.host, process.pid) for process in open_ones):
        return "running"
    return "killed" if open_ones else "finished"


def _ended_ns(about: Mapping[str, Any], processes: tuple[Process, ...]) -> int | None:
    if (ended_ns := parse_rfc3339(about.get("ended"))) is not None:
        return ended_ns
    ends = [process.ended_ns for process in processes if process.ended_ns is not None]
    return max(ends) if ends and len(ends) == len(processes) and not about else None


def _alive(path: Path, host: str, pid: int | None) -> bool:
    """Return whether a process can be taken to run: it exists here, or wrote something lately where we cannot look."""
    if pid is not None and host in ("", platform.node(), platform.node().partition(".")[0]) and sys.platform != "win32":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True
    return time.time() - _modified_ns(path) / 1e9 < FRESH_S


def _modified_ns(path: Path) -> int:
    times = [0]
    with suppress(OSError):
        times.append(path.stat().st_mtime_ns)
        for file in path.iterdir():
            with suppress(OSError):
                times.append(file.stat().st_mtime_ns)
    return max(times)


def _int(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
