"""docs/reference/settings.md, written from the fields of `Config`: `python -m scripts.settings_page`."""

import ast
import os
import sys
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from otel_mldebug import config
from otel_mldebug.config import PREFIX, PROFILES, Config

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "settings.md"
_TYPES = {
    "bool": "true or false",
    "float": "number or percentage",
    "int": "whole number",
    "str": "text",
    "Path": "path",
    "Path | None": "path",
    "tuple[Path, ...]": "paths",
    "tuple[str, ...]": "names",
    "tuple[tuple[str, str], ...]": "`NAME=REGEX`, or a table",
}

_HEAD = f"""\
# Settings

Written from `otel_mldebug/config.py` by `make generate`: do not edit.

An argument of `configure()` wins over the environment, the environment over a file, a file over the profile, the
profile over the default. An empty variable counts as unset. A value that cannot be used is named, with what would be
accepted; so is a setting that does not exist. `otel-mldebug doctor` shows the values in effect and their origin.

The file is `mldebug.toml` in the working directory, or the table `[tool.mldebug]` of `pyproject.toml` there;
`{PREFIX}CONFIG` names another one. In the environment, paths in a
list are separated by `:` (`;` on Windows), names by commas; regular expressions, which may hold any of these, stand one
a line. In a file and as an argument they are lists, and `redact_patterns` is a table of expressions by name.

## Ours

| setting | variable | takes | default | meaning |
|---|---|---|---|---|
"""

_TAIL = """
## OpenTelemetry's own

Where we set OpenTelemetry up, that is, where no SDK is configured already, these are honoured:

| variable | effect |
|---|---|
"""

_STANDARD: tuple[tuple[tuple[str, ...], str], ...] = (
    (("OTEL_SDK_DISABLED",), "`true` switches everything off"),
    (
        ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"),
        "the resource; without a name the service is called after the script or module",
    ),
    (
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_{TRACES,METRICS,LOGS}_ENDPOINT"),
        "send by OTLP, all signals or one; without any of them nothing is sent",
    ),
    (
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_{TRACES,METRICS,LOGS}_PROTOCOL"),
        "`grpc` or `http/protobuf`; without it port 4318, or a path in the URL, means HTTP, anything else gRPC",
    ),
    (
        (
            *(f"OTEL_EXPORTER_OTLP_{name}" for name in ("HEADERS", "TIMEOUT", "COMPRESSION", "CERTIFICATE")),
            *(f"OTEL_EXPORTER_OTLP_{name}" for name in ("CLIENT_KEY", "CLIENT_CERTIFICATE", "INSECURE")),
        ),
        "as OpenTelemetry's exporters read them",
    ),
    (
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        ),
        "the form in which metrics are sent; the store and the Prometheus page keep theirs",
    ),
    (
        ("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"),
        "`otlp` sends to the default endpoint too; `none` sends nothing of that signal; `prometheus`, for metrics, "
        "opens the page",
    ),
    (
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_PORT"),
        "where that page is; 127.0.0.1:9464 without them",
    ),
    (("OTEL_METRIC_EXPORT_INTERVAL",), "milliseconds between two collections of metrics; 10000 without it"),
    (
        ("OTEL_{BSP,BLRP}_MAX_QUEUE_SIZE", "OTEL_{BSP,BLRP}_MAX_EXPORT_BATCH_SIZE"),
        "how many spans and log records wait for a collector, and are sent at a time",
    ),
    (
        ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_SPAN_*_LIMIT", "OTEL_ATTRIBUTE_*_LIMIT"),
        "as the SDK reads them",
    ),
    (("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"), "as the exporters read them"),
)


def page() -> str:
    """Return the page."""
    about = described()
    defaults = Config()
    rows = [
        f"| `{field.name}` | `{PREFIX}{field.name.upper()}` | {_takes(field.name, about[field.name][0])} | "
        f"{_value(getattr(defaults, field.name))} | {about[field.name][1]} |\n"
        for field in fields(Config)
        if field.name != "origins"
    ]
    standard = [f"| {', '.join(f'`{name}`' for name in variables)} | {effect} |\n" for variables, effect in _STANDARD]
    return "".join([_HEAD, *rows, _profiles(), _TAIL, *standard])


def described() -> dict[str, tuple[str, str]]:
    """Return type and meaning of each field of `Config`, from the source: the string under a field is its meaning."""
    tree = ast.parse(Path(str(config.__file__)).read_text(encoding="utf-8"))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Config").body
    return {
        setting.target.id: (ast.unparse(setting.annotation), " ".join(meaning.value.value.split()))
        for setting, meaning in pairwise(body)
        if isinstance(setting, ast.AnnAssign)
        and isinstance(setting.target, ast.Name)
        and isinstance(meaning, ast.Expr)
        and isinstance(meaning.value, ast.Constant)
        and isinstance(meaning.value.value, str)
    }


def _takes(name: str, kind: str) -> str:
    return "regular expressions" if name == "redact_keep_patterns" else _TYPES[kind]


def _profiles() -> str:
    text = ["\n## Profiles\n\n| profile | sets |\n|---|---|\n"]
    for name, values in PROFILES.items():
        sets = (
            ", ".join(f"`{key}` to {_value(value)}" for key, value in values.items()) or "nothing: the defaults above"
        )
        text.append(f"| {name} | {sets} |\n")
    return "".join(text)


def _value(value: Any) -> str:
    if value is None or value == "" or value == ():
        return "not set"
    if isinstance(value, tuple):
        return f"`{os.pathsep.join(map(str, value))}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
