"""Metrics of layers, read from the latest look of each optimizer; the number of labels is bounded."""

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training.steps.signals import SCOPE
from otel_mldebug.rules.looks import Look
from otel_mldebug.semconv import names
from otel_mldebug.semconv.metric import Metric

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

MOST_LAYERS = 64
"""Layers with a label of their own; the first ones that were seen."""
OTHER = "other"
"""Label of all further layers together."""

Values = dict[tuple[str, str], float]
"""Value by layer and optimizer."""


class Gauges:
    """Keeps what metrics show of the latest looks."""

    def __init__(self) -> None:
        self._labels: dict[str, None] = {}
        self._values: dict[Metric, Values] = {
            names.MLDEBUG_TRAIN_LAYER_GRADIENT_NORM: {},
            names.MLDEBUG_TRAIN_LAYER_WEIGHT_NORM: {},
            names.MLDEBUG_TRAIN_LAYER_UPDATE_RATIO: {},
            names.MLDEBUG_TRAIN_LAYER_DEAD: {},
        }
        self._generation: int | None = None

    def show(self, look: Look) -> None:
        """Have the metrics show `look` from now on, in place of the one before of the same optimizer."""
        self._renew(sinks.current().generation())
        gradients: dict[str, list[float]] = {}
        weights: dict[str, list[float]] = {}
        updates: dict[str, list[float]] = {}
        for parameter in look.parameters:
            label = self._label(parameter.layer)
            if parameter.gradient is not None:
                gradients.setdefault(label, []).append(parameter.gradient.norm)
            if parameter.weight is not None:
                weights.setdefault(label, []).append(parameter.weight.norm)
                if parameter.update_ratio is not None:
                    updates.setdefault(label, []).append(parameter.update_ratio * parameter.weight.norm)
        norms = {label: math.hypot(*found) for label, found in weights.items()}
        ratios = {label: math.hypot(*found) / norms[label] for label, found in updates.items() if norms[label] > 0}
        dead: dict[str, float] = {}
        for operation in look.operations:
            if operation.dead is not None:
                label = self._label(operation.layer)
                dead[label] = max(operation.dead, dead.get(label, 0.0))
        whole = {label: math.hypot(*found) for label, found in gradients.items()}
        for metric, values in zip(self._values, (whole, norms, ratios, dead), strict=True):
            kept = {key: value for key, value in self._values[metric].items() if key[1] != look.optimizer}
            kept.update(((label, look.optimizer), v) for label, v in values.items() if math.isfinite(v))
            self._values[metric] = kept

    def _label(self, layer: str) -> str:
        if layer in self._labels:
            return layer
        if not layer or len(self._labels) >= MOST_LAYERS:
            return OTHER
        self._labels[layer] = None
        return layer

    def _renew(self, generation: int) -> None:
        """Make the instruments, once for each generation of the sink."""
        if generation == self._generation:
            return
        self._generation = generation
        meter = sinks.current().meter(SCOPE)
        for metric in self._values:
            meter.create_observable_gauge(
                metric.name, [self._reader(metric)], unit=metric.unit, description=metric.brief
            )

    def _reader(self, metric: Metric) -> "Callable[[CallbackOptions], Iterable[Observation]]":
        from opentelemetry.metrics import Observation

        def observe(_: "CallbackOptions") -> "Iterable[Observation]":
            return [
                Observation(value, _attributes(layer, optimizer))
                for (layer, optimizer), value in self._values[metric].items()
            ]

        return observe


def _attributes(layer: str, optimizer: str) -> dict[str, str]:
    found = {names.MLDEBUG_TRAIN_LAYER: layer}
    return {**found, names.MLDEBUG_TRAIN_OPTIMIZER: optimizer} if optimizer else found
