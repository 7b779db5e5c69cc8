"""`torch.autograd.backward`, which `Tensor.backward` goes through as well: the objective, and the time."""

from collections.abc import Callable
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument.training.track import Track
from otel_mldebug.instrument.training.watch import Watch


class BackwardHooks:
    """Tells the recorder of each outermost backward call.

    Args:
        watch: What all hooks share.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._tensor = watch.torch.Tensor
        self._modes = watch.torch._C._len_torch_dispatch_stack

    def wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `backward` that does what `original` does, and tells."""
        watch, objective = self._watch, self._objective
        clock, tracks, direct = watch.clock, watch.recorder.tracks, watch.devices.direct

        def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            track = tracks.track
            if track.busy:  # checkpointing calls backward inside of backward
                return original(tensors, *args, **kwargs)
            now = clock()
            track.busy = True
            try:
                loss = objective(track, tensors)
                value = None
                if loss is not None:
                    if direct(loss):
                        value = loss.item()
                    elif watch.devices.watchable(loss):
                        track.late.append(loss.detach())
                track.backward_begins(now, value)
                if value is not None and value - value != 0.0:
                    watch.bad_loss(track, loss, value)
            except Exception as exc:  # noqa: BLE001
                _guard.fault("watch backward", exc)
            started = clock()
            try:
                return original(tensors, *args, **kwargs)
            finally:
                track.busy = False
                track.backward_ends(started, clock())
                if not watch.constructed:
                    self._alone(track)

        return backward

    def _objective(self, track: Track, tensors: Any) -> Any:
        """Return the tensor that holds the objective: what went into a gradient scaler, not what came out of it."""
        if type(tensors) is not self._tensor:
            if not isinstance(tensors, (list, tuple)) or len(tensors) != 1:
                return None
            tensors = tensors[0]
        if track.scaled is not None:
            tensors, track.scaled = track.scaled, None
        if type(tensors) is not self._tensor or tensors.numel() != 1 or tensors.is_meta or self._modes():
            return None
        return tensors

    def _alone(self, track: Track) -> None:
        """End the step here, in a program that has no optimizer."""
        try:
            watch = self._watch
            if not track.depth and watch.alone():
                watch.tell(None)
                late = watch.late(track) if track.late else None
                watch.recorder.close(track, watch.recorder.cell(""), track.mark, late=late)
        except Exception as exc:  # noqa: BLE001
            _guard.fault("watch backward", exc)
