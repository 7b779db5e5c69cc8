"""Runs provocations: what they need around them, and how many come out right."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from otel_mldebug.rules.finding import Finding
from tests.provocation.case import Case, UnavailableError, World, finding_for, marks, provoked
from tests.provocation.cases import CASES
from tests.provocation.server import closed, serving

SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "NO_PROXY": "*",
    "no_proxy": "*",
}
"""Environment in which nothing leaves this machine; the libraries read it when they are imported."""


@contextmanager
def worlds(root: Path) -> Iterator[Iterator[World]]:
    """Serve, and yield worlds, each with a directory of its own under `root`."""
    before = {name: os.environ.get(name) for name in (*SETTINGS, "HF_HOME")}
    os.environ.update(SETTINGS, HF_HOME=str(root / "hf"))
    try:
        with serving() as port, closed() as closed_port:
            yield (_world(root / str(number), port, closed_port) for number in count())
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _world(tmp: Path, port: int, closed_port: int) -> World:
    tmp.mkdir(parents=True)
    return World(tmp=tmp, url=f"http://127.0.0.1:{port}", port=port, closed_port=closed_port)


def findings() -> Iterator[tuple[Case, Finding]]:
    """Provoke everything that this machine can, and yield what the rules say."""
    with tempfile.TemporaryDirectory() as root, worlds(Path(root)) as given:
        for case in CASES:
            if case.missing():
                continue
            try:
                exc = provoked(case, next(given))
            except UnavailableError:
                continue
            yield case, finding_for(exc)


def shares() -> dict[str, float]:
    """Return how many failures were provoked, and for each label the share that comes out right."""
    each = [marks(case, finding) for case, finding in findings()]
    return {"count": len(each), **{label: sum(mark[label] for mark in each) / len(each) for label in each[0]}}


if __name__ == "__main__":
    print(json.dumps(shares()))  # noqa: T201  (read by the benchmark)
