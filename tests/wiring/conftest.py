"""Programs in processes of their own, each with a store that the test reads afterwards."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Result:
    """What a program left behind."""

    def __init__(self, done: subprocess.CompletedProcess, store: Path) -> None:
        self.stdout, self.stderr, self.code = done.stdout, done.stderr, done.returncode
        self.store = store

    @property
    def processes(self) -> list[Path]:
        """The directories that processes made."""
        return sorted(path for path in self.store.glob("*/*") if path.is_dir())

    def findings(self) -> list[dict]:
        """The attributes of all findings written, in order."""
        return [
            {pair["key"]: next(iter(pair["value"].values())) for pair in record["attributes"]}
            for line in self._lines("logs")
            for resource in line["resourceLogs"]
            for scope in resource["scopeLogs"]
            for record in scope["logRecords"]
        ]

    def spans(self) -> list[dict]:
        """All spans written."""
        return [
            span
            for line in self._lines("traces")
            for resource in line["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]

    def metric_names(self) -> set[str]:
        """The names of all metrics written."""
        return {
            metric["name"]
            for line in self._lines("metrics")
            for resource in line["resourceMetrics"]
            for scope in resource["scopeMetrics"]
            for metric in scope["metrics"]
        }

    def process_json(self) -> list[dict]:
        """What each process says of itself."""
        return [json.loads((process / "process.json").read_text()) for process in self.processes]

    def _lines(self, signal: str) -> list[dict]:
        files = [process / f"{signal}.jsonl" for process in self.processes]
        return [json.loads(line) for file in files if file.exists() for line in file.read_text().splitlines()]


class Programs:
    """Runs Python programs with our settings in their environment."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.store = directory / ".mldebug"

    def environ(self, **changes: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "PYTHON"))}
        quiet = {"PYTHONWARNINGS": "ignore:This process:DeprecationWarning", "OTEL_MLDEBUG_RESOURCES": "false"}
        return {**kept, "PYTHONPATH": str(ROOT), **quiet, **changes}

    def file(self, code: str, name: str = "program.py") -> Path:
        path = self.directory / name
        path.write_text(textwrap.dedent(code))
        return path

    def run(
        self, code: str, *arguments: str, before: tuple[str, ...] = (), timeout_s: float = 60, **environ: str
    ) -> Result:
        command = [*before, sys.executable, str(self.file(code)), *arguments]
        done = subprocess.run(
            command, cwd=self.directory, env=self.environ(**environ), capture_output=True, text=True, timeout=timeout_s
        )
        return Result(done, self.store)

    def start(self, code: str, **environ: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(self.file(code))],
            cwd=self.directory,
            env=self.environ(**environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def left(self) -> Result:
        """What is in the store now."""
        return Result(subprocess.CompletedProcess([], 0, "", ""), self.store)


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(tmp_path)
