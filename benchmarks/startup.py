"""What starting costs: the command line, importing the package, and running a program under the supervisor."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.timing import half_quartiles, interleave, median

HELP_S = 0.1
"""Processor time that `otel-mldebug --help` may take."""
HEAVY_US = 5_000
"""Modules that take longer to import, themselves, are named."""
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)")


def heavy(importtime: str, limit_us: int = HEAVY_US) -> list[tuple[str, int]]:
    """Return the modules that took longest to import, with microseconds, from what `-X importtime` printed."""
    found = [(name, int(own_us)) for own_us, name in _LINE.findall(importtime)]
    return sorted((row for row in found if row[1] >= limit_us), key=lambda row: -row[1])


def _children_s() -> float:
    import resource  # Unix only, and so is this benchmark

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _command(arguments: Sequence[str], directory: str) -> Callable[[], None]:
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}

    def run() -> None:
        subprocess.run(
            arguments, cwd=directory, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
        )

    return run


def measure(quick: bool) -> Iterable[Figure]:
    """Measure the processor time of whole processes, children included."""
    repeats = 3 if quick else 11
    python = sys.executable
    ours = [python, "-m", "otel_mldebug"]
    commands = {
        "python": [python, "-c", "pass"],
        "help": [*ours, "--help"],
        "import": [python, "-c", "import otel_mldebug"],
        "trace": [python, "-c", "import otel_mldebug; otel_mldebug.trace(print)"],
        "run": [*ours, "run", "--quiet", python, "-c", "pass"],
    }
    with tempfile.TemporaryDirectory() as directory:
        times = interleave(
            {name: _command(command, directory) for name, command in commands.items()},
            repeats=repeats,
            clock=_children_s,
        )
        timed = subprocess.run(
            [python, "-X", "importtime", "-c", "import otel_mldebug; otel_mldebug.trace(print)"],
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            check=True,
        )
    named = ", ".join(f"{name} {own_us / 1000:.0f} ms" for name, own_us in heavy(timed.stderr)[:5]) or "none above 5 ms"
    notes = {
        "python": "python -c pass",
        "help": "otel-mldebug --help, whole process",
        "import": "import otel_mldebug, whole process",
        "trace": f"import and decorate, whole process; heavy modules: {named}",
        "run": "otel-mldebug run python -c pass, both processes",
    }
    for name, values in times.items():
        yield Figure(
            name=f"startup.{name}.cpu",
            value=median(values),
            unit="s",
            spread=half_quartiles(values),
            limit=HELP_S if name == "help" else None,
            note=f"{notes[name]}; median of {repeats}",
        )
    extra = [run_s - bare_s for run_s, bare_s in zip(times["run"], times["python"], strict=True)]
    yield Figure(
        name="startup.run.extra",
        value=median(extra),
        unit="s",
        spread=half_quartiles(extra),
        note=f"what `run` adds to python -c pass; median of {repeats}",
    )
