"""Looks into training steps, read back: as they were written, and layer by layer over the steps."""

import heapq
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from otel_mldebug.store.otlp_values import number, parse_number
from otel_mldebug.store.reader import open_parts, parse, read_lines
from otel_mldebug.store.runs import Process, Run

SERIES = ("gradient_norm", "weight_norm", "update_ratio", "dead", "saturated")
"""What is kept of a layer for each look, in this order."""


def looks(run: Run, first: int = 0, last: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the looks of all processes by step, then by rank: fields of `rules.looks.Look`, defaults left out.

    Args:
        run: The run.
        first: The first step that is wanted.
        last: The last one, itself included; None for all.
    """
    processes = sorted(run.processes, key=Process.by_rank)
    streams = [_of_process(run, process, order, first, last) for order, process in enumerate(processes)]
    for _, _, look in heapq.merge(*streams, key=lambda item: item[:2]):
        yield look


def _of_process(
    run: Run, process: Process, order: int, first: int, last: int | None
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    for part in open_parts(run.path / process.name, "looks"):
        for line in read_lines(part):
            look = parse(line.data)
            if look is None or not isinstance(step := look.pop("step", None), int):
                continue
            if step < first or (last is not None and step > last):
                continue
            look.pop("v", None)
            rank = {} if process.rank is None else {"rank": process.rank}
            yield step, order, {"step": step, **rank, **look}


_BEGINNING = re.compile(rb'\{"v": ?\d+, ?"step": ?(\d+)')


@dataclass(frozen=True, slots=True)
class Taken:
    """How often a process was looked into.

    Attributes:
        num: Steps with a look.
        first: The first of them.
        last: The last of them.
    """

    num: int = 0
    first: int = 0
    last: int = 0

    def to_json(self) -> dict[str, int]:
        """Return it as the command line prints it; empty without any."""
        return {"count": self.num, "first_step": self.first, "last_step": self.last} if self.num else {}


def taken(run: Run, process: Process, first: int = 0, last: int | None = None) -> Taken:
    """Return how many steps of a process were looked into, by the beginnings of lines: looks are large.

    Args:
        run: The run.
        process: One of its processes.
        first: The first step that is wanted.
        last: The last one, itself included; None for all.
    """
    steps = set()
    for part in open_parts(run.path / process.name, "looks"):
        for line in read_lines(part):
            if (found := _BEGINNING.match(line.data or b"")) is not None:
                step = int(found[1])
                if step >= first and (last is None or step <= last):
                    steps.add(step)
    return Taken(len(steps), min(steps), max(steps)) if steps else Taken()


@dataclass(slots=True)
class LayerCurve:
    """One layer over the looks.

    Attributes:
        name: Qualified name; the parameter's where it belongs to no module.
        module: Class of the module; empty when unknown.
        parameters: Elements of its parameters.
        trainable: Whether any of them requires gradients.
        steps: Steps of the looks that saw it.
        series: Values by name (`SERIES`), as long as `steps`; None where a look did not have them. Norms are of all its
            parameters together, and so are both norms of the update ratio; shares are 0 to 1, the largest.
        first_bad: Its first looked-at step with a non-finite weight or gradient.
    """

    name: str
    module: str = ""
    parameters: int = 0
    trainable: bool = False
    steps: list[int] = field(default_factory=list)
    series: dict[str, list[float | None]] = field(default_factory=lambda: {name: [] for name in SERIES})
    first_bad: int | None = None

    def latest(self, name: str) -> float | None:
        """Return the latest value that is known."""
        return next((value for value in reversed(self.series[name]) if value is not None), None)

    def to_json(self) -> dict[str, Any]:
        """Return it as the command line prints it: series that hold nothing are left out."""
        known = {name: values for name, values in self.series.items() if any(v is not None for v in values)}
        out = {
            "layer": self.name,
            "module": self.module,
            "parameters": self.parameters,
            "trainable": self.trainable,
            "first_bad_step": self.first_bad,
            "steps": self.steps,
            **{name: [None if v is None else number(v) for v in values] for name, values in known.items()},
        }
        return {key: value for key, value in out.items() if value not in (None, "")}


def layer_curves(found: Iterable[Mapping[str, Any]]) -> list[LayerCurve]:
    """Return every layer that looks have seen, in forward order; with several ranks, of the lowest one.

    Args:
        found: What `looks` yields.
    """
    curves: dict[str, LayerCurve] = {}
    rank: Any = None
    for look in found:
        rank = look.get("rank") if rank is None else rank
        if look.get("rank") != rank:
            continue
        for name, values in _layers(look).items():
            curve = curves.setdefault(name, LayerCurve(name))
            _add(curve, look["step"], values)
    return list(curves.values())


def _layers(look: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what one look says of each layer."""
    layers: dict[str, dict[str, Any]] = {}
    for parameter in look.get("parameters", ()):
        name = parameter.get("layer") or parameter["name"]
        layer = layers.setdefault(name, {"squares": {}, "parameters": 0, "trainable": False, "bad": False})
        layer["module"] = parameter.get("module", "")
        layer["trainable"] |= parameter.get("trainable", True)
        for key, into in (("gradient", "gradient_norm"), ("weight", "weight_norm")):
            stats = parameter.get(key)
            if stats is None:
                continue
            norm = parse_number(stats["norm"]) or 0.0
            layer["squares"][into] = layer["squares"].get(into, 0.0) + norm * norm
            layer["bad"] |= (parse_number(stats.get("nonfinite", 0.0)) or 0.0) > 0
            if key == "weight":
                layer["parameters"] += stats["size"]
                ratio = parse_number(parameter.get("update_ratio"))
                if ratio is not None:
                    layer["updates"] = math.hypot(layer.get("updates", 0.0), ratio * norm)
    for operation in look.get("operations", ()):
        if (name := operation.get("layer")) in layers:
            _most(layers[name], "dead", operation.get("dead"))
            _most(layers[name], "saturated", operation.get("saturated"))
    for layer in layers.values():
        if "updates" in layer and (square := layer["squares"].get("weight_norm")):
            layer["update_ratio"] = layer["updates"] / square**0.5
    return layers


def _most(layer: dict[str, Any], name: str, value: object) -> None:
    known = parse_number(value)
    if known is not None:
        layer[name] = max(known, layer.get(name, 0.0))


def _add(curve: LayerCurve, step: int, values: Mapping[str, Any]) -> None:
    if curve.steps and curve.steps[-1] == step:  # several optimizers looked at it in one step: the first one counts
        return
    curve.module, curve.trainable = values.get("module", ""), values["trainable"]
    curve.parameters = values["parameters"] or curve.parameters
    curve.steps.append(step)
    norms = {name: square**0.5 for name, square in values["squares"].items()}
    for name in SERIES:
        curve.series[name].append(norms.get(name, values.get(name)))
    if values["bad"] and curve.first_bad is None:
        curve.first_bad = step
