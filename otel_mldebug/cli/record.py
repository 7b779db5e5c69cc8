"""What the supervisor writes down about a run: `run.json`, and what the processes of the run told it."""

import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otel_mldebug.cli import cgroup
from otel_mldebug.cli.program import Program
from otel_mldebug.cli.supervise import Ending
from otel_mldebug.config import Config
from otel_mldebug.instrument.ranks import launch, ranks
from otel_mldebug.store import layout


@dataclass(frozen=True, slots=True)
class Note:
    """One line that the bootstrap of a Python process left.

    Attributes:
        what: `watched`, `absent` (that Python has no otel-mldebug), `failed`, or `torch` (imported, known at its end).
        pid: Process id.
        python: Path of its interpreter.
        detail: The error, or torch's version.
    """

    what: str
    pid: int
    python: str
    detail: str


class RunRecord:
    """The supervisor's own record of one run.

    Attributes:
        run_id: Id that all its processes share; that of the launch, where each rank has a supervisor of its own.
        rank: Rank of this supervisor's program, if each rank has a supervisor of its own; None if not.
        store: Absolute path of the store.
        directory: The run's own directory in it.
        unkept: Why nothing is kept, as a sentence without a full stop; empty when something is.
        notes: The file that the processes add their notes to; None without a store.
        oom_kills: Processes of our control group that the kernel killed for lack of memory, known at the end.
    """

    def __init__(self, config: Config, program: Program) -> None:
        launched = "" if config.run_id else launch(os.environ)
        self.run_id = config.run_id or launched or layout.make_run_id()
        self.rank = ranks(os.environ)[0] if launched else None
        self.store = Path(os.path.abspath(config.store))  # noqa: PTH100  (resolve would follow the user's links)
        self.unkept = ""
        self.oom_kills = 0
        self._oom_kills_before = cgroup.oom_kills()
        self.notes: Path | None = None
        self.directory = layout.run_directory(self.store, self.run_id)
        self._program = program
        self._config = config
        self._cwd = str(Path.cwd())
        self._facts: dict[str, Any] = {
            "run_id": self.run_id,
            "pid": os.getpid(),
        }

    @classmethod
    def begin(cls, config: Config, program: Program) -> "RunRecord":
        """Make the run's directory. A store that cannot be written does not keep the program from running.

        Raises:
            StoreError: a newer version wrote the store.
        """
        record = cls(config, program)
        if config.disabled:
            return record
        if not config.local:
            record.unkept = f"the local store is switched off by {config.origins.get('local', 'local')}"
            return record
        try:
            layout.prepare_root(record.store)
            record.directory.mkdir(exist_ok=True)
            notes = record.directory / f".{platform.node()}-{os.getpid()}"  # one run may have a supervisor on each host
            notes.touch()
            record.notes = notes
        except OSError as exc:
            record.unkept = f"the store {record.store} cannot be written: {exc.strerror or exc}"
        return record

    def write_started(self) -> None:
        """Write `run.json` while the program runs already: it waits for nothing of ours, redaction least of all."""
        from otel_mldebug.rules.redact.configured import configured
        from otel_mldebug.semconv import names
        from otel_mldebug.store.times import rfc3339

        redactor = configured(self._config)
        self._facts.update(
            cwd=redactor.item("process.working_directory", self._cwd),
            host=redactor.item(names.HOST_NAME, platform.node()),
            python=redactor.item("process.executable.path", sys.executable),
            argv=redactor.argv(self._program.argv) or None,
            started=rfc3339(time.time_ns()),
        )
        if self.rank is None or not (self.directory / layout.RUN_FILE).exists():
            self._write()

    def end(self, ending: Ending) -> tuple[Note, ...]:
        """Complete `run.json` and return what the processes noted."""
        from otel_mldebug.store.times import rfc3339

        notes = self._take_notes()
        after, before = cgroup.oom_kills(), self._oom_kills_before
        self.oom_kills = after - before if after is not None and before is not None else 0
        self._facts.update(
            {
                "started": rfc3339(ending.started_ns),
                "ended": rfc3339(ending.ended_ns),
                "exit_code": ending.code,
                "signal": ending.signal_name or None,
                "cpu_s": ending.cpu_s,
                "peak_bytes": ending.peak_bytes,
                "oom_kills": self.oom_kills or None,
            }
        )
        if self.rank is None or not self._ended_badly():
            self._write()
        return notes

    def _ended_badly(self) -> bool:
        """Return whether another rank's supervisor has written down already that its program failed."""
        page = layout.read_json(self.directory / layout.RUN_FILE) or {}
        return bool(page.get("signal") or page.get("exit_code"))

    @property
    def kept(self) -> bool:
        """Return whether this run has a directory in the store."""
        return self.notes is not None

    def _write(self) -> None:
        if self.kept:
            facts = {key: value for key, value in self._facts.items() if value is not None}
            with suppress(OSError):  # the disk filled up meanwhile: the verdict is what remains
                layout.write_json(self.directory / layout.RUN_FILE, facts)

    def _take_notes(self) -> tuple[Note, ...]:
        if self.notes is None:
            return ()
        try:
            text = self.notes.read_text(encoding="utf-8", errors="replace")
            self.notes.unlink()
        except OSError:
            return ()
        return tuple(parse_notes(text.splitlines()))


def parse_notes(lines: Iterable[str]) -> Iterator[Note]:
    """Yield the notes that processes left; a line that is not whole is left out."""
    for line in lines:
        what, *rest = line.split("\t")
        if len(rest) == 3 and rest[0].isdigit():
            yield Note(what, int(rest[0]), rest[1], rest[2])
