"""Which versions are installed, from their metadata: nothing heavy is imported to be asked."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata

from otel_mldebug._version import __version__
from otel_mldebug.cli.checks.check import FAIL, OK, WARN, Check

OLDEST_PYTHON = (3, 10)
OLDEST_TORCH = (2, 4)

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)\s*==\s*(?P<version>[^\s;,]+)\s*$")


def check() -> Iterator[Check]:
    """Yield what is known of Python, otel-mldebug, OpenTelemetry, psutil and PyTorch."""
    yield Check("otel-mldebug", OK, __version__)
    yield python(sys.version_info[:3], sys.executable)
    yield opentelemetry(_installed())
    yield psutil()


def python(version: tuple[int, ...], executable: str) -> Check:
    """Judge the version of Python."""
    text = f"{'.'.join(map(str, version))}, {executable}"
    if version < OLDEST_PYTHON:
        return Check("python", FAIL, text, f"otel-mldebug needs Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer.")
    return Check("python", OK, text)


def opentelemetry(installed: Mapping[str, tuple[str, Iterable[str]]]) -> Check:
    """Judge whether the OpenTelemetry packages fit together: each release pins its companions exactly.

    Args:
        installed: Name of each installed OpenTelemetry distribution -> its version and its requirements, as texts.
    """
    ours = ("api", "sdk", "instrumentation", "exporter-otlp", "exporter-prometheus")
    versions = [
        f"{part} {installed[f'opentelemetry-{part}'][0]}" for part in ours if f"opentelemetry-{part}" in installed
    ]
    missing = [f"opentelemetry-{part}" for part in ours if f"opentelemetry-{part}" not in installed]
    broken = [
        f"{name} {version} needs {pin['name']} {pin['version']}, found {installed[canonical(pin['name'])][0]}"
        for name, (version, requirements) in sorted(installed.items())
        for pin in filter(None, map(_PIN.match, requirements))
        if canonical(pin["name"]) in installed and installed[canonical(pin["name"])][0] != pin["version"]
    ]
    detail = "; ".join([", ".join(versions) or "none", *broken])
    if missing:
        return Check("opentelemetry", FAIL, f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    if broken:
        return Check(
            "opentelemetry",
            FAIL,
            detail,
            "Bring them to one release: pip install -U 'opentelemetry-sdk' and the ones named.",
        )
    return Check("opentelemetry", OK, detail)


def psutil() -> Check:
    """Judge psutil, which measures host and process."""
    if not (version := version_of("psutil")):
        return Check("psutil", WARN, "not installed: no measurements of host and process", "pip install psutil")
    return Check("psutil", OK, version)


def canonical(name: str) -> str:
    """Return the name of a distribution as package indexes compare it. Source: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def version_of(name: str) -> str:
    """Return the installed version of a distribution; empty when it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _installed() -> dict[str, tuple[str, Iterable[str]]]:
    found: dict[str, tuple[str, Iterable[str]]] = {}
    for distribution in metadata.distributions():
        name = canonical(distribution.name or "")
        if name.startswith("opentelemetry-") and name not in found:
            found[name] = (distribution.version, distribution.requires or ())
    return found
