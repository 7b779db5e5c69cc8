"""Explicit calls next to the automatic ones: track a loss, gradients, parameters, one step, one forward pass."""

import math
import os
import sys
import threading
import weakref
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.errors import UsageError
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training.debugging.hooks import compiled
from otel_mldebug.instrument.training.debugging.parameters import ParameterReport
from otel_mldebug.instrument.training.debugging.passes import Pass
from otel_mldebug.instrument.training.debugging.series import Series
from otel_mldebug.instrument.training.debugging.snapshots import Snapshots
from otel_mldebug.instrument.training.debugging.tensors import each, usable
from otel_mldebug.instrument.training.debugging.watching import watch
from otel_mldebug.rules.contracts import Contract

LOSS_EVERY, SNAPSHOT_EVERY = 10, 50
"""Calls from one value that is taken to the next, unless the caller says otherwise."""
MOST_NAMES = 100
"""Values that are tracked by name."""

_lock = threading.Lock()
_series: dict[str, Series] = {}
_models: "weakref.WeakKeyDictionary[Any, _Model]" = weakref.WeakKeyDictionary()


class _Model:
    """What is kept of one model: its looks, and how often it has been handed in."""

    def __init__(self, kind: str) -> None:
        self.looks = Snapshots(kind)
        self.calls = 0
        self.epoch: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """How often `debug_step` takes what; each 1 or more.

    Attributes:
        loss: Batches from one value of the loss to the next.
        snapshot: Batches from one look at all gradients and weights to the next.
    """

    loss: int = LOSS_EVERY
    snapshot: int = SNAPSHOT_EVERY


def track_loss(value: Any, name: str = "loss", *, every: int = LOSS_EVERY) -> bool:
    """Track a value that should fall: call it once a batch. It goes into a metric, and rules look at its course.

    Args:
        value: One number of any kind. What a device is still computing is read later, without waiting.
        name: What it is; a few stable names, such as `reconstruction` and `kl`.
        every: Calls from one value that is taken to the next.

    Returns:
        Whether this one was taken.

    Raises:
        UsageError: `every` is below 1.
    """
    _checked(every)
    with _guard.guard("track a loss"):
        if not sinks.current().active():
            return False
        series = _named(name)
        return series is not None and series.add(value, every)
    return False


def observe(name: str, value: Any) -> None:
    """Make a value a metric, without judging it."""
    if sinks.current().active() and (series := _named(name)) is not None:
        series.observe(value)


def track_gradients(model: Any, *, every: int = SNAPSHOT_EVERY) -> float | None:
    """Look at all gradients and weights: call it once a batch, after backward and before the optimizer steps.

    Args:
        model: A module of PyTorch.
        every: Calls from one look to the next; each reads all of them, and waits for their device.

    Returns:
        The norm of all gradients, where they were looked at and there are any.

    Raises:
        UsageError: `every` is below 1.
    """
    _checked(every)
    with _guard.guard("track gradients"):
        if not sinks.current().active():
            return None
        known = _known(model)
        known.calls += 1
        if (known.calls - 1) % every or not usable(sys.modules["torch"]):
            return None
        rows = known.looks.take(model, gradients=True).rows
        norms = [row.gradient.norm for row in rows if row.gradient is not None and not row.shared_with]
        return math.hypot(*norms) if norms else None
    return None


def track_parameters(model: Any, *, epoch: int | None = None) -> ParameterReport | None:
    """Look at all parameters, once an epoch: call it at the end of each, or with its number as often as you like.

    Args:
        model: A module of PyTorch.
        epoch: Number of the pass over the data; a second call with the same one does nothing.

    Returns:
        The report, where one was made.
    """
    with _guard.guard("track parameters"):
        known = _known(model)
        if not sinks.current().active() or (epoch is not None and epoch == known.epoch):
            return None
        if not usable(sys.modules["torch"]):
            return None
        known.epoch = epoch
        return known.looks.take(model, gradients=False)
    return None


def debug_step(
    loss: Any = None, model: Any = None, *, epoch: int | None = None, intervals: Intervals = Intervals()
) -> None:  # fmt: skip
    """Do all of it for one batch: after backward, before the optimizer steps.

    Args:
        loss: As for `track_loss`.
        model: Its gradients and weights are looked at, and its parameters when the epoch changes.
        epoch: Number of the pass over the data.
        intervals: How often what is taken.

    Raises:
        UsageError: an interval is below 1.
    """
    if loss is not None:
        track_loss(loss, every=intervals.loss)
    if model is not None:
        track_gradients(model, every=intervals.snapshot)
        if epoch is not None:
            track_parameters(model, epoch=epoch)


def debug_forward(
    model: Any, *inputs: Any, expected_shape: Sequence[int | None] | None = None, **named_inputs: Any
) -> Any:
    """Call `model` once under watch and return what it returns; whatever it raises passes through, reported.

    Args:
        model: A module of PyTorch. The inside of one that is compiled is not seen.
        inputs: What it is called with.
        expected_shape: Of the output; None for any size: `(None, 10)`.
        named_inputs: The same, by name.

    Raises:
        UsageError: `model` is none, or no output could have that shape.
    """
    inside = None
    if not (hasattr(model, "modules") and compiled(model)):
        inside = watch(model, expected_shape=expected_shape, every=1)
    try:
        with inside or nullcontext():
            output = model(*inputs, **named_inputs)
    except Exception as exc:
        with _guard.guard("report a forward pass that failed"):
            arguments = {f"input[{place}]": value for place, value in enumerate(inputs)} | named_inputs
            function = f"{type(model).__qualname__}.forward"
            sinks.current().exception(exc, function=function, arguments=arguments)
        raise
    if inside is None:
        with _guard.guard("look at an output"):
            _outside(model, output, expected_shape)
    return output


def _outside(model: Any, output: Any, expected_shape: Sequence[int | None] | None) -> None:
    import torch

    name = type(getattr(model, "_orig_mod", model)).__name__
    contract = {} if expected_shape is None else {name: Contract(shape=expected_shape)}
    seen = Pass(torch, name, {}, contract)
    seen.leaving(name, name, [tensor for _, tensor in each(torch, output, "output")])
    for layer, finding in seen.found:
        sinks.current().finding(finding, layer=layer)


def _named(name: str) -> Series | None:
    with _lock:
        series = _series.get(name)
        if series is None and len(_series) < MOST_NAMES:
            series = _series[name] = Series(name)
        return series


def _known(model: Any) -> _Model:
    with _lock:
        known = _models.get(model)
        if known is None:
            known = _models[model] = _Model(type(getattr(model, "_orig_mod", model)).__name__)
        return known


def _checked(every: int) -> None:
    if every < 1:
        raise UsageError(f"every={every}: give 1 or more; 1 takes every one.")


def forget() -> None:
    """Forget all that has been tracked: in a forked child, and for tests."""
    global _lock
    _lock = threading.Lock()
    _series.clear()
    _models.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)
