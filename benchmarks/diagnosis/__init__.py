"""How well training faults are found: programs with a known fault, and healthy ones, each run as a user would run it.

`python -m benchmarks.diagnosis [--only NAME…] [--seeds N] [--fast] [--json]` runs them by `otel-mldebug run`, reads
`errors --json`, and prints a table, recall, precision and detection delay; `make bench` does the same as its section
`diagnosis`. To add a program, put a script into `programs/faulty` or `programs/healthy`; its header says what a person
would accept as the right answer (see `program.py`).
"""

from collections.abc import Iterable

from benchmarks.diagnosis.program import programs
from benchmarks.diagnosis.running import results
from benchmarks.diagnosis.scores import figures
from benchmarks.figure import Figure


def measure(quick: bool) -> Iterable[Figure]:
    """Run every program once (with `quick` the fast subset) and yield what `make bench` shows."""
    yield from figures(list(results(programs(fast=quick), seeds=1)))
