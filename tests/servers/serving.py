"""A real server in a process of its own: started, asked, stopped, and what was recorded of it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

APPS = Path(__file__).parent / "apps"
OTEL_MLDEBUG = (sys.executable, "-m", "otel_mldebug")
LOG, STORE = "server.log", "store"
_URL = re.compile(r"http://127\.0\.0\.1:\d+")
_DEADLINE_S = 90
"""How long a server may take to start or to stop: importing Gradio takes a busy machine that long."""


@dataclass(frozen=True, slots=True)
class Served:
    """What came of a server.

    Attributes:
        answers: What `ask` returned.
        log: All that the server and its supervisor wrote.
        code: Exit code of what was started.
        store: The store.
    """

    answers: Mapping[str, Any]
    log: str
    code: int
    store: Path

    def findings(self) -> list[dict[str, Any]]:
        """Return what `otel-mldebug errors --json` lists."""
        listed: list[dict[str, Any]] = _json("--store", self.store, "errors", "--json")["findings"]
        return listed

    def errors(self, id_: str) -> dict[str, Any]:
        """Return what `otel-mldebug errors ID --json` shows."""
        return _json("--store", self.store, "errors", id_, "--json")

    def explained(self) -> list[dict[str, Any]]:
        """Return what `otel-mldebug explain` makes of the server's own log."""
        return explained(self.log)


def serve(here: Path, command: Sequence[str], ask: Callable[[str], Mapping[str, Any]], **environ: str) -> Served:
    """Start `command`, call `ask` with the address once it listens, stop it as a service manager would.

    Args:
        here: An empty directory to work in.
        command: What to start. It must write the address that it listens at.
        ask: Asks the server, and returns the answers.
        environ: Variables in addition to this process's own.
    """
    with _started(here, command, environ) as process:
        answers = ask(_address(process, here / LOG))
        process.send_signal(signal.SIGTERM)
        code = process.wait(_DEADLINE_S)
    return Served(answers, (here / LOG).read_text("utf-8"), code, here / STORE)


def ended(here: Path, command: Sequence[str], **environ: str) -> Served:
    """Start `command`, which ends by itself, and wait for that."""
    with _started(here, command, environ) as process:
        code = process.wait(_DEADLINE_S)
    return Served({}, (here / LOG).read_text("utf-8"), code, here / STORE)


@contextmanager
def _started(here: Path, command: Sequence[str], environ: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    around = {"OTEL_MLDEBUG_STORE": str(here / STORE), "PYTHONUNBUFFERED": "1", "PYTHONPATH": _path(), **environ}
    with (here / LOG).open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=here,
            env={**os.environ, **around},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def explained(text: str) -> list[dict[str, Any]]:
    """Return what `otel-mldebug explain` makes of `text`."""
    listed: list[dict[str, Any]] = _json("explain", "--json", "-", text=text)["findings"]
    return listed


Row = tuple[str, str, tuple[str, ...], int]
"""Rule, class of the root, functions of the app that the root has left (without their classes), and count."""


def told(findings: Iterable[Mapping[str, Any]], app: str) -> list[Row]:
    """Return the rows of findings of a process, sorted. They begin with what was caught, and end with its root."""
    return sorted(_row(finding, _innermost(finding["exception"]), app) for finding in findings)


def told_by_text(findings: Iterable[Mapping[str, Any]], app: str) -> list[Row]:
    """Return the rows of what `explain` found in a text, sorted. They begin with the root."""
    return sorted(_row(finding, finding["exception"], app) for finding in findings)


def _innermost(exception: Mapping[str, Any]) -> Mapping[str, Any]:
    while exception.get("group") or exception.get("chain"):
        exception = (exception.get("group") or exception["chain"][-1:])[0]
    return exception


def _row(finding: Mapping[str, Any], root: Mapping[str, Any], app: str) -> Row:
    frames = [frame for frame in root["frames"] if frame.get("in_app")]
    assert {Path(frame["file"]).name for frame in frames} <= {app}, "no frame of a framework is the user's"
    functions = tuple(frame["function"].rpartition(".")[2] for frame in frames)
    return finding["rule"], root["type"].rpartition(".")[2], functions, finding["count"]


def _path() -> str:
    return os.pathsep.join(part for part in (str(APPS), os.environ.get("PYTHONPATH", "")) if part)


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + _DEADLINE_S
    while (found := _URL.search(log.read_text("utf-8"))) is None:
        assert process.poll() is None, log.read_text("utf-8")
        assert time.monotonic() < deadline, f"no server after {_DEADLINE_S} s: {log.read_text('utf-8')}"
        time.sleep(0.02)
    return found.group()


def _json(*words: object, text: str = "") -> dict[str, Any]:
    done = subprocess.run(
        [*OTEL_MLDEBUG, *map(str, words)], input=text.encode(), capture_output=True, timeout=_DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found
