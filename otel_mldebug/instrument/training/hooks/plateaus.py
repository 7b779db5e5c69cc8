"""Schedules that watch a metric: what they are given, and what they make of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any
from weakref import WeakKeyDictionary

from otel_mldebug import _guard
from otel_mldebug.instrument.training.hooks.watch import Watch
from otel_mldebug.rules.detectors.calls import wrong_direction

MOST = 64
"""Values of one schedule that are kept, the first ones: by then it is decided."""


@dataclass(slots=True)
class Watched:
    """What one schedule has seen: values, the rate after each, when it was lowered first, and whether that is told."""

    values: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    lowered: int | None = None
    told: bool = False


class PlateauHooks:
    """A wrapper for `torch.optim.lr_scheduler.ReduceLROnPlateau.step`.

    Args:
        watch: What all hooks share.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._known: WeakKeyDictionary[Any, Watched] = WeakKeyDictionary()

    def stepping(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `step` that notes its metric and the learning rate after it."""

        def step(scheduler: Any, metrics: Any, *args: Any, **kwargs: Any) -> Any:
            out = original(scheduler, metrics, *args, **kwargs)
            try:
                self._note(scheduler, metrics)
            except Exception as exc:  # noqa: BLE001  (the schedule has stepped: ours must not undo that)
                _guard.fault("watch a schedule", exc)
            return out

        return step

    def _note(self, scheduler: Any, metrics: Any) -> None:
        seen = self._known.setdefault(scheduler, Watched())
        if (
            seen.told
            or len(seen.values) >= MOST
            or (hasattr(metrics, "device") and not self._watch.devices.direct(metrics))
        ):
            return
        value, rate = float(metrics), float(scheduler.optimizer.param_groups[0]["lr"])
        if value - value != 0.0:  # NaN or infinite
            return
        recorder = self._watch.recorder
        if seen.rates and rate < seen.rates[-1] and seen.lowered is None:
            seen.lowered = max(0, recorder.index - 1)
        seen.values.append(value)
        seen.rates.append(rate)
        known = self._watch.optimizers.known.get(id(scheduler.optimizer))
        if seen.lowered is None or known is None:
            return
        window = known.cell.window
        first, latest = window.first_loss, [loss for _, loss in window.losses[-MOST:]]
        left = fmean(latest) / first if latest and first is not None and first > 0 else None
        found = wrong_direction(seen.values, seen.rates, mode=scheduler.mode, left=left, step=seen.lowered)
        if found is not None:
            seen.told = True
            recorder.report(recorder.tracks.track, found)
