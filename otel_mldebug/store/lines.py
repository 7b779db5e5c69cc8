"""What one line of a file holds: OTLP requests, and batches of step records as columns."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from json.encoder import encode_basestring_ascii
from operator import attrgetter
from typing import Any, get_args, get_type_hints

from otel_mldebug.rules.looks import Look, Stats
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.store.otlp_values import attributes, number, parse_number, text

VERSION = 1
"""Version of the batches of steps and counts, in each of them as `v`."""

Columns = dict[str, list[Any]]
"""Values of step records by field, all of one length; fields that no record has are not there."""

Scope = tuple[str, str]
"""Name and version of the instrumentation that a record came from."""

_OTLP = {"logs": ("resourceLogs", "scopeLogs", "logRecords"), "traces": ("resourceSpans", "scopeSpans", "spans")}
_DEFAULTS = {f.name: None if f.default is MISSING else f.default for f in fields(StepRecord)}
_TYPES = {name: set(get_args(hint)) or {hint} for name, hint in get_type_hints(StepRecord).items()}
_REQUIRED = ("index", "time_ns", "duration_s")


def dumps(value: object) -> str:
    """Return JSON in ASCII without spaces.

    Raises:
        ValueError: it holds NaN or an infinity, which JSON does not know.
    """
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def resource_json(resource: Mapping[str, object]) -> str:
    """Return an OTLP Resource."""
    return dumps({"attributes": attributes(resource)})


def otlp_line(signal: str, resource: str, groups: Mapping[Scope, Sequence[Mapping[str, Any]]]) -> bytes:
    """Return one line of `logs` or `traces`.

    Args:
        signal: `logs` or `traces`.
        resource: What `resource_json` made.
        groups: Encoded records by scope.
    """
    outer, middle, inner = _OTLP[signal]
    scopes = ",".join(
        f'{{"scope":{dumps({"name": text(name), "version": text(version)})},"{inner}":{dumps(list(records))}}}'
        for (name, version), records in groups.items()
    )
    return f'{{"{outer}":[{{"resource":{resource},"{middle}":[{scopes}]}}]}}\n'.encode("ascii")


def metrics_line(resource_metrics: Sequence[Mapping[str, Any]]) -> bytes:
    """Return one line of `metrics`: encoded ResourceMetrics."""
    return dumps({"resourceMetrics": list(resource_metrics)}).encode("ascii") + b"\n"


def steps_line(records: Sequence[StepRecord]) -> bytes:
    """Return a batch of steps as columns.

    A column that says nothing is left out; one that is the same all over is one value.
    """
    columns: dict[str, Any] = {"v": VERSION}
    for name, default in _DEFAULTS.items():
        column = [getattr(record, name) for record in records]
        if name in _REQUIRED:
            columns[name] = column
        elif any(value != default for value in column):
            first = column[0]
            columns[name] = first if all(value == first for value in column) else column
    try:
        line = dumps(columns)
    except ValueError:
        line = dumps({name: _finite(column) for name, column in columns.items()})
    return line.encode("ascii") + b"\n"


def _finite(column: Any) -> Any:
    if isinstance(column, list):
        return [number(value) if isinstance(value, float) else value for value in column]
    return number(column) if isinstance(column, float) else column


def look_line(look: Look) -> bytes:
    """Return one look; fields that have their default are left out, and statistics have seven digits."""
    return f'{{"v":{VERSION},{_text(look)[1:]}\n'.encode("ascii")


def _text(value: Any) -> str:
    """Return JSON. A look has thousands of values: this takes half the time of `dumps` of what they would be made into.

    Raises:
        TypeError: JSON has nothing for it.
    """
    kind = type(value)
    if kind is str:
        return encode_basestring_ascii(value)
    if kind is Stats:
        return _stats(value)
    if kind is float:
        return repr(value) if value - value == 0.0 else dumps(number(value))
    if kind is int:
        return repr(value)
    if kind is bool:
        return "true" if value else "false"
    if is_dataclass(kind):
        names, defaults, read = _named(kind)
        found = zip(names, defaults, read(value), strict=True)
        return "{" + ",".join([name + _text(item) for name, default, item in found if item != default]) + "}"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{dumps(str(key))}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_text, value)) + "]"
    return dumps(number(value) if isinstance(value, float) else value)


def _stats(value: Stats) -> str:
    numbers = (value.norm, value.mean, value.std, value.low, value.high)
    shares = (value.zero, value.nonfinite, value.tiny)
    if not math.isfinite(sum(numbers) + sum(shares)):
        rest = [f'"{f.name}":{dumps(number(getattr(value, f.name)))}' for f in fields(Stats)[1:]]
        return f'{{"size":{value.size},{",".join(rest)}}}'
    told = '{"size":%d,"norm":%.7g,"mean":%.7g,"std":%.7g,"low":%.7g,"high":%.7g' % (value.size, *numbers)  # noqa: UP031
    if any(shares):
        named = zip(("zero", "nonfinite", "tiny"), shares, strict=True)
        told += "".join([f',"{name}":{share:.7g}' for name, share in named if share])
    return told + "}"


@cache
def _named(kind: type) -> tuple[tuple[str, ...], tuple[Any, ...], Callable[[Any], tuple[Any, ...]]]:
    """Return the fields of a dataclass as JSON begins them, their defaults, and what reads them all."""
    names = tuple(f'"{f.name}":' for f in fields(kind))
    return names, tuple(_default(f) for f in fields(kind)), attrgetter(*(f.name for f in fields(kind)))


def _default(field: "Field[Any]") -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def step_columns(batch: Mapping[str, Any]) -> Columns:
    """Return the columns of a batch that are there; what a newer version added to it is ignored.

    Raises:
        ValueError: it is no batch of steps.
    """
    index = batch.get("index")
    if not isinstance(index, list):
        raise ValueError("a batch of steps without the column `index`")
    columns = {name: _column(name, batch[name], len(index)) for name in _DEFAULTS if name in batch}
    if missing := [name for name in _REQUIRED if name not in columns or None in columns[name]]:
        raise ValueError(f"a batch of steps without the column `{missing[0]}`")
    return columns


def _column(name: str, values: Any, length: int) -> list[Any]:
    column: list[Any] = values if isinstance(values, list) else [values] * length
    if len(column) != length:
        raise ValueError(f"a batch of steps whose column `{name}` has {len(column)} values and not {length}")
    if float in _TYPES[name]:
        return [value if type(value) is float else parse_number(value) for value in column]
    if not set(map(type, column)) <= _TYPES[name]:
        raise ValueError(f"a batch of steps whose column `{name}` has values of another type")
    return column


def records(columns: Columns) -> list[StepRecord]:
    """Return the rows of what `step_columns` returned."""
    known = tuple(columns)
    return [StepRecord(**dict(zip(known, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def counts_line(counts: Mapping[str, int], time_ns: int) -> bytes:
    """Return a batch of counts: how often each group has been counted by now, by fingerprint."""
    return dumps({"v": VERSION, "time_ns": time_ns, "count": dict(counts)}).encode("ascii") + b"\n"
