"""Run programs the way users do, with a clean environment."""

import os
import subprocess
import sys
from pathlib import Path

from stack.build import ROOT

DIGITS = ROOT / "otel_mldebug" / "demo" / "train_digits.py"
"""A training script without one line of instrumentation."""

RUN = (sys.executable, "-m", "otel_mldebug", "run")
INSTRUMENT = (str(Path(sys.executable).with_name("opentelemetry-instrument")), sys.executable)


def environment(service: str, store: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a user who set nothing but what is given."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    return {**kept, "OTEL_SERVICE_NAME": service, "OTEL_MLDEBUG_STORE": str(store), **settings}


def start(command: tuple[str, ...], environ: dict[str, str], directory: Path) -> subprocess.Popen[str]:
    """Start `command` in `directory`, its output in pipes."""
    return subprocess.Popen(
        command, env=environ, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
