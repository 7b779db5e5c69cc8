"""After the program: gather what is known of its run, and print the verdict on stderr."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from otel_mldebug.cli.program import Program, isolating_flag
from otel_mldebug.cli.record import Note, RunRecord
from otel_mldebug.cli.render import Look
from otel_mldebug.cli.seen import Seen
from otel_mldebug.cli.supervise import Ending
from otel_mldebug.cli.verdict import verdict
from otel_mldebug.config import Config


def tell(config: Config, program: Program, record: RunRecord, ending: Ending, notes: tuple[Note, ...]) -> None:
    """Print the verdict, on a line of its own whatever the program left on the last one."""
    lines = verdict(gather(config, program, record, ending, notes), Look.of(sys.stderr))
    print("", *lines, sep="\n", file=sys.stderr, flush=True)


def gather(config: Config, program: Program, record: RunRecord, ending: Ending, notes: tuple[Note, ...]) -> Seen:
    """Return all that is known of the run."""
    found: dict[str, Any] = _from_store(record) if record.kept else {}
    return Seen(
        label=program.label,
        ending=ending,
        notes=notes,
        isolated=isolating_flag(program.argv),
        oom_kills=record.oom_kills,
        run_id=record.run_id,
        store=_shown(record.directory) if record.kept else "",
        command=command(sys.argv[0], os.environ.get("PATH", "")),
        option=f" --store {shlex.quote(str(config.store))}" if config.origins.get("store") == "argument" else "",
        unkept=record.unkept,
        disabled=_origin(config, "disabled") if config.disabled else "",
        torch_off="" if config.torch else _origin(config, "torch"),
        **found,
    )


def command(called: str, path: str) -> str:
    """Return how our command is typed here, so that what the verdict proposes works when it is pasted.

    Args:
        called: What this process was started as.
        path: Directories in which the shell looks for commands.
    """
    name = "otel-mldebug"
    if shutil.which(name, path=path):
        return name
    script = Path(called)
    if script.stem == name and script.exists():
        return shlex.quote(_shown(script.absolute()))
    return f"{shlex.quote(_shown(Path(sys.executable)))} -m otel_mldebug"


def _from_store(record: RunRecord) -> dict[str, Any]:
    from otel_mldebug.store.queries import Store

    training = Store(record.store).summary(record.run_id)
    processes = training.run.processes
    loss = training.curves["loss"]
    return {
        "findings": training.findings,
        "steps": training.steps_seen,
        "losses": () if loss.first is None or loss.last is None else (loss.first[1], loss.last[1]),
        "watched": training.watched,
        "ranks": tuple(sorted({process.rank for process in processes if process.rank is not None})),
        "hosts": tuple(sorted({process.host for process in processes if process.host})),
        "dropped": sum(sum(process.dropped.values()) for process in processes),
    }


def _origin(config: Config, setting: str) -> str:
    return config.origins.get(setting, setting).removeprefix("environment ")


def _shown(path: Path) -> str:
    """Return `path` as short as it can be typed from here."""
    here = Path.cwd()
    return os.fspath(path.relative_to(here)) if path.is_relative_to(here) else os.fspath(path)
