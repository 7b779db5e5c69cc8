"""Run the benchmarks, each in a process of its own; print a table; write JSON beside the versions used."""

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks import page
from benchmarks.figure import Figure, table

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "latest.json"
PACKAGES = ("otel-mldebug", "opentelemetry-api", "opentelemetry-sdk", "torch")
_MEASURE = re.compile(r"^def measure\(", re.MULTILINE)


def modules(directory: Path = HERE) -> list[str]:
    """Return the names of the benchmarks: the modules and packages that define `measure`. Imports none of them."""
    named = {path.stem: path for path in directory.glob("*.py") if path.stem != "__init__"}
    named.update({path.parent.name: path for path in directory.glob("*/__init__.py")})
    return sorted(name for name, path in named.items() if _MEASURE.search(path.read_text(encoding="utf-8")))


def parse(lines: Iterable[str]) -> Iterator[Figure | str]:
    """Turn what a benchmark's process prints into figures; any other line stays as it is."""
    return map(_figure_or_text, lines)


def _figure_or_text(line: str) -> Figure | str:
    try:
        row = json.loads(line)
        return Figure.from_json(row.pop("name"), row)
    except (ValueError, TypeError, KeyError, AttributeError):
        return line.rstrip("\n")


def document(figures: Sequence[Figure], *, quick: bool, failed: Sequence[str] = ()) -> dict[str, Any]:
    """Return what is written: figures by name, and all that one needs to judge them."""
    out: dict[str, Any] = {
        "date": datetime.now(tz=timezone.utc).isoformat(timespec="seconds"),
        "quick": quick,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
        "figures": {figure.name: figure.to_json() for figure in figures},
    }
    if failed:
        out["failed"] = list(failed)
    return out


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def child(name: str, *, quick: bool) -> int:
    """Run one benchmark in this process, one JSON line for each figure."""
    for figure in importlib.import_module(f"benchmarks.{name}").measure(quick):
        print(json.dumps({"name": figure.name, **figure.to_json()}), flush=True)
    return 0


def run(name: str, *, quick: bool) -> tuple[list[Figure], int]:
    """Run one benchmark in a process of its own; return its figures and the exit code."""
    command = [sys.executable, "-m", "benchmarks", "--child", name, *(["--quick"] if quick else [])]
    environ = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    figures = []
    with subprocess.Popen(
        command, cwd=HERE.parent, env=environ, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        for item in parse(process.stdout or ()):
            if isinstance(item, Figure):
                figures.append(item)
                print(table([item]), flush=True)
            else:
                print(item, file=sys.stderr)
    return figures, process.returncode


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for; 0 when every benchmark ran to its end, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = modules()
    parser.add_argument("--only", action="append", choices=known, metavar="NAME", help=f"one of {', '.join(known)}")
    parser.add_argument("--quick", action="store_true", help="fewer repeats: orders of magnitude, no figures to quote")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where to write the figures")
    parser.add_argument("--docs", action="store_true", help="also write the figures into docs/reference/cost.md")
    parser.add_argument("--labelled", action="append", metavar="FILE", help="labelled messages to score (explain)")
    parser.add_argument("--child", choices=known, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.labelled:
        os.environ["MLDEBUG_LABELLED"] = os.pathsep.join(str(Path(file).absolute()) for file in options.labelled)
    if options.child:
        return child(options.child, quick=options.quick)
    figures: list[Figure] = []
    failed: list[str] = []
    for name in options.only or known:
        started_s = time.monotonic()
        print(f"-- {name}", flush=True)
        found, code = run(name, quick=options.quick)
        figures += found
        if options.docs and not code:
            text = page.PAGE.read_text(encoding="utf-8")
            text = page.with_figures(text, name, found, document(found, quick=options.quick))
            page.PAGE.write_text(text, encoding="utf-8")
        if code:
            failed.append(name)
            print(f"benchmark {name} failed with exit code {code}", file=sys.stderr)
        print(f"   {time.monotonic() - started_s:.0f} s", flush=True)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(figures, quick=options.quick, failed=failed), indent=2)
    options.json.write_text(text + "\n", encoding="utf-8")
    print(f"\n{table(figures)}\n\nwritten to {options.json}")
    return 1 if failed else 0
