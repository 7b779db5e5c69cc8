"""Whether somebody else reports the same thing: other distributions, configurators and instrumentors."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata

from otel_mldebug.cli.checks.check import OK, WARN, Check

OVERLAPS: Mapping[str, tuple[str, str]] = {
    "system_metrics": (
        "host, process and garbage collector are measured twice, under older names by the other",
        "export OTEL_MLDEBUG_RESOURCES=false, or OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=system_metrics",
    ),
    "exceptions": (
        "an exception that nobody catches is logged by both",
        "export OTEL_MLDEBUG_UNCAUGHT=false, or OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=exceptions",
    ),
}
"""Instrumentor of OpenTelemetry's -> what comes twice, and how to have it once."""

_OURS = "otel-mldebug"

Plugin = tuple[str, str]
"""Name of an entry point and of the distribution that declares it."""


def check(environ: Mapping[str, str]) -> Iterator[Check]:
    """Yield what is installed beside us that `opentelemetry-instrument` loads as well."""
    disabled = {name.strip() for name in environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").split(",")}
    yield distributions(_plugins("opentelemetry_distro"), _plugins("opentelemetry_configurator"), environ)
    yield instrumentors([plugin for plugin in _plugins("opentelemetry_instrumentor") if plugin[0] not in disabled])


def distributions(distros: Iterable[Plugin], configurators: Iterable[Plugin], environ: Mapping[str, str]) -> Check:
    """Judge which distro and which configurator set OpenTelemetry up. We work under any of them."""
    owners = {owner for _, owner in distros} | {owner for _, owner in configurators if owner != "opentelemetry-sdk"}
    others = sorted(owners - {_OURS})
    chosen = environ.get("OTEL_PYTHON_DISTRO", "")
    if len(others) > 1 and not chosen:
        advice = "Choose one: export OTEL_PYTHON_DISTRO=NAME and OTEL_PYTHON_CONFIGURATOR=NAME"
        return Check("distro", WARN, f"several are installed, the first one found wins: {', '.join(others)}", advice)
    return Check("distro", OK, f"{chosen or ', '.join(others)}, which we join" if chosen or others else "none but ours")


def instrumentors(found: Iterable[Plugin]) -> Check:
    """Judge whether another instrumentor reports what we report."""
    names = sorted({name for name, owner in found if owner != _OURS})
    double = [name for name in names if name in OVERLAPS]
    if double:
        what, advice = zip(*(OVERLAPS[name] for name in double), strict=True)
        pairs = (f"{name}: {text}" for name, text in zip(double, what, strict=True))
        return Check("instrumentors", WARN, "; ".join(pairs), "; ".join(advice))
    return Check("instrumentors", OK, f"{', '.join(names) or 'none'} beside ours: nothing comes twice")


def _plugins(group: str) -> list[Plugin]:
    return [(point.name, point.dist.name if point.dist else "") for point in metadata.entry_points(group=group)]
