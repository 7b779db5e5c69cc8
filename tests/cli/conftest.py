"""The command line as a user starts it: in a process of its own, in a directory of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., "subprocess.Popen[bytes]"]

COMMAND = (sys.executable, "-m", "otel_mldebug")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mldebug(here: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Return a function that runs `otel-mldebug` with these words and waits for its end."""

    def run(*words: str | Path, **changes: Any) -> "subprocess.CompletedProcess[str]":
        environ = {**os.environ, **changes.pop("environ", {})}
        return subprocess.run(
            [*COMMAND, *map(str, words)],
            cwd=here,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **changes,
        )

    return run


@pytest.fixture
def start(here: Path) -> Iterator[Start]:
    """Return a function that starts `otel-mldebug` and does not wait; what still runs at the end is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*words: str | Path, environ: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [*COMMAND, *map(str, words)],
            cwd=here,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # a program outlives a supervisor that is killed so
        process.communicate()


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Any]:
    """Return a function that waits until a condition holds, at most 30 s, and returns its value."""

    def wait(condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 30
        while not (value := condition()):
            assert time.monotonic() < deadline, "waited 30 s in vain"
            time.sleep(0.01)
        return value

    return wait


@pytest.fixture
def script(here: Path) -> Callable[[str, Sequence[str]], Path]:
    """Return a function that writes a script."""

    def write(name: str, lines: Sequence[str]) -> Path:
        path = here / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def told() -> Callable[[str], str]:
    """Return a function that takes a text out of its box, wherever its lines were broken: for comparing with `in`."""

    def flat(text: str) -> str:
        return "".join(text.replace("│", "").split())

    return flat
