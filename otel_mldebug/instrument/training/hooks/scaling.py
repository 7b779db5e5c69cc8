"""Gradient scalers: the objective is what goes into `scale`, and a step that the scaler skips is a step, too."""

from collections.abc import Callable
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument.training.hooks.watch import Watch
from otel_mldebug.instrument.training.steps.track import Track
from otel_mldebug.rules.detectors.calls import UNSCALED_STEPS, never_unscaled


class ScalerHooks:
    """Wrappers for `torch.amp.GradScaler`.

    Args:
        watch: What all hooks share.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._recorder = watch.recorder
        self._tracks = watch.recorder.tracks
        self._tensor = watch.torch.Tensor
        self._scaled_at: int | None = None
        self._norms: list[float] = []

    def scaling(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `scale` that remembers what it was given, until the next backward."""
        tracks, tensor = self._tracks, self._tensor

        def scale(scaler: Any, outputs: Any) -> Any:
            scaled = original(scaler, outputs)
            if type(outputs) is tensor and outputs.numel() == 1:
                track = tracks.track
                track.scaled = outputs
                track.wake()
                if len(self._norms) < UNSCALED_STEPS:
                    self._again(track, scaler)
            return scaled

        return scale

    def unscaling(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `unscale_` that is noted."""

        def unscale_(scaler: Any, *args: Any, **kwargs: Any) -> Any:
            self._unscaled()
            return original(scaler, *args, **kwargs)

        return unscale_

    def stepping(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `step` that ends the step itself when the scaler did not call the optimizer."""

        def step(scaler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            self._unscaled()
            track = self._tracks.track
            before = track.closed
            factor: Any = getattr(scaler, "_scale", None)
            if type(factor) is self._tensor and self._watch.devices.direct(factor):
                track.scale = factor.item()
            out = original(scaler, optimizer, *args, **kwargs)
            try:
                if track.closed == before and scaler.is_enabled():
                    self._skipped(track, optimizer)
            except Exception as exc:  # noqa: BLE001
                _guard.fault("watch a gradient scaler", exc)
            return out

        return step

    def _unscaled(self) -> None:
        self._scaled_at = None
        self._norms.clear()

    def _again(self, track: Track, scaler: Any) -> None:
        """Note that `scale` is called: a step since the call before it has used gradients that nobody unscaled."""
        try:
            before, self._scaled_at = self._scaled_at, track.closed
            factor: Any = getattr(scaler, "_scale", None)
            if before is None or track.closed == before or track.norm is None:
                return
            if type(factor) is not self._tensor or not self._watch.devices.direct(factor):
                return
            self._norms.append(track.norm)
            first = self._recorder.index - len(self._norms)
            if (found := never_unscaled(self._norms, factor.item(), step=first)) is not None:
                self._recorder.report(track, found)
        except Exception as exc:  # noqa: BLE001
            _guard.fault("watch a gradient scaler", exc)

    def _skipped(self, track: Track, optimizer: Any) -> None:
        known = self._watch.optimizers.known.get(id(optimizer)) or self._watch.met(optimizer)
        if self._watch.looks.open:
            self._watch.looks.skipped(track, known, optimizer)
        known.steps += 1
        rate = optimizer.param_groups[0].get("lr")
        self._recorder.close(
            track,
            known.cell,
            self._watch.clock(),
            known.key,
            rate if isinstance(rate, float) else None,
            skipped=True,
            late=self._watch.late(track) if track.late else None,
        )
