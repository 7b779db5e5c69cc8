"""Runs a program of the suite as a user would, in a store of its own, and reads what was found."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.diagnosis.judge import Verdict, judge
from benchmarks.diagnosis.program import Program

LIMIT_S = 180
"""A program that takes longer is ended and counts as broken."""
_OURS = (sys.executable, "-m", "otel_mldebug")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run of one program.

    Attributes:
        program: What ran.
        seed: With which seed.
        verdict: How its findings were judged.
        steps: Training steps that were seen; None if the run left no record of them.
        seconds: Wall time of the program under the supervisor.
        broken: What it printed last, if it did not end well; then the run counts for nothing but itself.
    """

    program: Program
    seed: int
    verdict: Verdict
    steps: int | None = None
    seconds: float
    broken: str = ""

    @property
    def good(self) -> bool:
        """Return whether all is as it should be: the fault found, or no alarm."""
        found = bool(self.verdict.hit) or not self.program.faulty
        return found and not self.verdict.false and not self.broken


def results(chosen: Iterable[Program], *, seeds: int, first: int = 0) -> Iterator[Result]:
    """Run each program with each seed, one after the other; yield each as it ends."""
    for program in chosen:
        for seed in range(first, first + seeds):
            yield run(program, seed)


def run(program: Program, seed: int) -> Result:
    """Run `program` once."""
    with tempfile.TemporaryDirectory(prefix="diagnosis-", ignore_cleanup_errors=True) as directory:
        environ = _environ(directory)
        started_s = time.monotonic()
        broken = _start([*_OURS, "run", "--quiet", *program.command(seed)], directory, environ)
        seconds = time.monotonic() - started_s
        findings = _ask("errors", directory, environ).get("findings", [])
        steps = _ask("training", directory, environ).get("steps_seen")
    return Result(
        program=program, seed=seed, verdict=judge(program, findings), steps=steps, seconds=seconds, broken=broken
    )


def _environ(directory: str) -> dict[str, str]:
    """Return a user's environment, without settings of ours; one thread, so that runs are alike."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    return {
        **kept,
        "OTEL_MLDEBUG_STORE": os.path.join(directory, "store"),  # noqa: PTH118 - a value, not a file
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }


def _start(command: list[str], directory: str, environ: dict[str, str]) -> str:
    """Run `command` to its end; return the end of what it printed if it failed, else nothing."""
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return f"took longer than {LIMIT_S} s"
    return f"exit code {done.returncode}: {done.stdout[-600:]}" if done.returncode else ""


def _ask(question: str, directory: str, environ: dict[str, str]) -> dict[str, Any]:
    """Return what our command `question` answers as JSON; nothing where nothing was recorded."""
    done = subprocess.run([*_OURS, question, "--json"], cwd=directory, env=environ, capture_output=True, text=True)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
