"""Build the real OpenTelemetry Collector and the real Prometheus, once, into the user's cache folder.

`python -m stack.build` (what `make stack` and `make test` run first) puts three binaries into
`${XDG_CACHE_HOME:-~/.cache}/otel-mldebug/stack/HASH`, where HASH covers everything that decides what comes
out, so that a second clone builds nothing. Standard library only: it runs before anything is installed.

A binary appears in the cache by one rename when it is finished. A build that was interrupted goes on with the
first binary that is not there yet (and Go's own cache keeps what was compiled); builds started at the same time
wait for each other where the system has file locks, and do the same work twice, harmlessly, where it has not.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "collector-config" / "builder-config.yaml"
TOOLS = ROOT / "stack" / "tools"

GO_WANTED = "1.25"  # what the builder and stack/tools/go.mod ask for; Go 1.21 and newer fetch it by themselves
BUILDER = "go.opentelemetry.io/collector/cmd/builder@v0.159.0"
EXE = ".exe" if os.name == "nt" else ""
GO_BUILD = ("go", "build", "-trimpath", "-ldflags=-s -w")


class BuildError(Exception):
    """The binaries cannot be had; the message says what is wanted and what to do."""


class GoMissingError(BuildError):
    """Something is not built yet, and there is no Go to build it with."""


@dataclass(frozen=True)
class Step:
    """One binary to build.

    Attributes:
        name: The binary's name, without the suffix that Windows wants.
        about: What it is and how long it takes without any cache, for the person who waits.
        command: What to run; `{out}` stands for the scratch directory of this build.
        made: Where the command leaves the binary below the scratch directory.
        source: The directory to run in; None for the scratch directory itself.
        only_for: The one step that needs it, for a tool that is no use afterwards.
    """

    name: str
    about: str
    command: tuple[str, ...]
    made: str
    source: Path | None = None
    only_for: str = ""


STEPS: tuple[Step, ...] = (
    Step(
        "builder",
        "the Collector Builder (about 30 s)",
        ("go", "install", BUILDER),
        f"builder{EXE}",
        only_for="otelcol-mldebug",
    ),
    Step(
        "otelcol-mldebug",
        "the OpenTelemetry Collector (about 6 minutes on two cores)",
        ("{cache}/builder" + EXE, "--config", str(MANIFEST)),
        f"collector/otelcol-mldebug{EXE}",
    ),
    # Only service discovery by file and by HTTP: the cloud providers' client libraries are most of the compile time.
    Step(
        "prometheus",
        "Prometheus (one to three minutes on two cores)",
        (*GO_BUILD, "-tags=remove_all_sd", "-o", "{out}/", "github.com/prometheus/prometheus/cmd/prometheus"),
        f"prometheus{EXE}",
        source=TOOLS,
    ),
    Step(
        "promtool",
        "promtool (about a minute on two cores)",
        (*GO_BUILD, "-tags=remove_all_sd", "-o", "{out}/", "github.com/prometheus/prometheus/cmd/promtool"),
        f"promtool{EXE}",
        source=TOOLS,
    ),
)


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory that holds, or will hold, the binaries for this source tree and this machine."""
    home = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "otel-mldebug" / "stack" / digest()


def digest() -> str:
    """Return 16 hex digits over all that decides what is built: manifest, module files, commands, system."""
    hashed = hashlib.sha256()
    for path in (MANIFEST, TOOLS / "go.mod", TOOLS / "go.sum"):
        hashed.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    for step in STEPS:
        command = [part.replace(str(MANIFEST), MANIFEST.name) for part in step.command]
        hashed.update("\0".join([step.name, *command]).encode())
    hashed.update(f"{platform.system()} {platform.machine()}".lower().encode())
    return hashed.hexdigest()[:16]


def binary(name: str, cache: Path | None = None) -> Path:
    """Return where the binary `name` is, or will be; `cache` defaults to `cache_dir()`."""
    return (cache or cache_dir()) / (name + EXE)


def missing(cache: Path | None = None) -> list[Step]:
    """Return the steps whose binaries are not in the cache; empty when there is nothing left to do."""
    absent = {step.name for step in STEPS if not binary(step.name, cache).is_file()}
    return [step for step in STEPS if step.name in absent and (not step.only_for or step.only_for in absent)]


def build(cache: Path | None = None) -> Path:
    """Build what is missing, tell the person who waits, and return the directory with the binaries.

    Raises:
        GoMissingError: something has to be built and Go is not installed.
        BuildError: a command of the build failed.
    """
    cache = cache or cache_dir()
    if not missing(cache):
        return cache
    if shutil.which("go") is None:
        raise GoMissingError(
            f"Go {GO_WANTED} or newer is needed to build the collector and Prometheus, and there is no `go` on PATH. "
            "Install it (go.dev/doc/install) and run this again; nothing else of the project needs it."
        )
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock") as alone:
        for leftover in cache.glob("building-*") if alone else ():
            shutil.rmtree(leftover, ignore_errors=True)
        todo = missing(cache)  # looked at again: the build we may have waited for has made them
        for number, step in enumerate(todo, start=1):
            _say(f"[{number}/{len(todo)}] building {step.about}")
            started = time.monotonic()
            _run(step, cache)
            _say(f"[{number}/{len(todo)}] {step.name} done in {_elapsed(time.monotonic() - started)}")
    return cache


def _run(step: Step, cache: Path) -> None:
    log = cache / f"{step.name}.log"
    with tempfile.TemporaryDirectory(dir=cache, prefix=f"building-{step.name}-") as scratch:
        command = [part.format(out=scratch, cache=cache) for part in step.command]
        with log.open("wb") as output:
            code = _watch(command, step.source or Path(scratch), output.fileno(), _environment(scratch))
        if code:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise BuildError(f"Building {step.name} failed (exit code {code}).\n{tail}\nAll of it: {log}")
        Path(scratch, step.made).replace(binary(step.name, cache))


def _environment(scratch: str) -> dict[str, str]:
    """Return the environment for Go: for this machine, whatever is being cross-compiled elsewhere."""
    kept = {key: value for key, value in os.environ.items() if key not in {"GOOS", "GOARCH"}}
    return {**kept, "GOBIN": scratch, "CGO_ENABLED": "0"}


def _watch(command: Sequence[str], cwd: Path, output: int, environ: Mapping[str, str]) -> int:
    """Run `command`, show that it is alive, and take it along when we are interrupted. Return its exit code."""
    started = time.monotonic()
    live = sys.stderr.isatty()
    with subprocess.Popen(command, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, env=dict(environ)) as process:
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(timeout=1 if live else 30)
                _say(f"      … {_elapsed(time.monotonic() - started)}", end="\r" if live else "\n")
        finally:
            process.terminate()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Hold the lock file `path`; give False where there are no file locks (Windows): renames keep the cache whole."""
    with path.open("w") as file:
        try:
            fcntl = importlib.import_module("fcntl")
        except ImportError:
            yield False
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _say("another build is running; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield True


def _elapsed(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _say(text: str, *, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Build, and print where the binaries are."""
    parser = argparse.ArgumentParser(prog="python -m stack.build", description="Build the collector and Prometheus.")
    parser.add_argument("--if-possible", action="store_true", help="succeed, with the reason, where Go is missing")
    options = parser.parse_args(arguments)
    try:
        print(build())
    except GoMissingError as error:
        _say(str(error))
        return 0 if options.if_possible else 1
    except BuildError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("\ninterrupted; run it again to go on from here")
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
