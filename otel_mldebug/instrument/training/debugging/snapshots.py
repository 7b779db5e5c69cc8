"""Looks into a model that a program asks for itself: its weights and gradients now, judged by the rules of layers."""

import sys
import time
from collections import deque
from typing import Any

from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training.debugging.parameters import ParameterReport, ParameterRow, parameter_report
from otel_mldebug.instrument.training.explicit import current
from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.instrument.training.steps.reporting import Reporter
from otel_mldebug.instrument.training.steps.signals import Signals
from otel_mldebug.instrument.training.tensors.layers import owner, plain
from otel_mldebug.rules.detectors import layers
from otel_mldebug.rules.looks import Look, Parameter, Stats

KEPT = 32
"""Looks that the rules look back on."""


class Snapshots:
    """The looks into one model.

    Args:
        model: Class of the model.
    """

    def __init__(self, model: str) -> None:
        self._cell = Cell(model)
        self._looks: deque[Look] = deque(maxlen=KEPT)
        self._signals = Signals({}, current().budget)
        self._reporter = Reporter((), self._signals)
        self._before: dict[str, Stats] = {}
        self._taken = 0

    def take(self, model: Any, *, gradients: bool) -> ParameterReport:
        """Look into `model` now, keep that, and report what the rules have to say of it."""
        report = parameter_report(model)
        kinds = {name: type(module).__name__ for name, module in model.named_modules()}
        rows = [row for row in report.rows if not row.buffer and not row.shared_with]
        reached = gradients and any(row.gradient is not None for row in rows)
        held = _held(model)
        recorder = current()
        latest = recorder.latest
        look = Look(
            step=recorder.index or self._taken,
            time_ns=time.time_ns(),
            optimizer=latest.name if latest is not None else "",
            loss=latest.loss if latest is not None else None,
            parameters=tuple(
                self._parameter(
                    row, kinds.get(owner(row.name), ""), gradients=gradients, reached=reached,
                    held=held is None or row.name in held,
                )
                for row in rows
            ),
        )  # fmt: skip
        self._taken += 1
        self._before = {row.name: row.stats for row in rows if row.stats is not None}
        self._looks.append(look)
        sinks.current().look(look)
        window = list(latest.window) if latest is not None else []
        found = [f for detect in layers.DETECTORS if (f := detect(list(self._looks), window)) is not None]
        found = [f for f in found if not recorder.reporter.firing(f.rule)]
        spans: list[Any] = []

        def span() -> Any:
            spans.append(self._signals.start_span(look.time_ns))
            return spans[-1]

        self._reporter.of_looks(found, self._cell, span, step=look.step)
        for one in spans:
            one.end()
        return report

    def _parameter(self, row: ParameterRow, kind: str, *, gradients: bool, reached: bool, held: bool) -> Parameter:
        before = self._before.get(row.name)
        return Parameter(
            name=row.name,
            layer=owner(row.name),
            module=kind,
            shape=row.shape or (),
            dtype=row.dtype,
            trainable=row.trainable,
            optimized=held,
            reached=(row.gradient is not None) if reached and row.trainable else None,
            weight=row.stats,
            gradient=row.gradient if gradients else None,
            changed=None if before is None or row.stats is None else before != row.stats,
        )


def _held(model: Any) -> set[str] | None:
    """Return the names of the parameters that optimizers hold; None as long as none has stepped under our eyes."""
    pytorch = sys.modules.get("otel_mldebug.instrument.training.hooks.pytorch")
    found = pytorch.installation() if pytorch is not None else None
    optimizers = found.watch.optimizers.optimizers() if found is not None else []
    if not optimizers:
        return None
    ids = {id(p) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]}
    return {plain(name) for name, p in model.named_parameters(remove_duplicate=False) if id(p) in ids}
