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
        self._clock = watch.clock
        self._tensor = watch.torch.Tensor
        self._modes = watch.torch._C._len_torch_dispatch_stack

    def wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `backward` that does what `original` does, and tells."""
        recorder = self._watch.recorder

        def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            track = recorder.track
            if track.busy:  # checkpointing calls backward inside of backward
                return original(tensors, *args, **kwargs)
            track.busy = True
            try:
                started = self._before(track, tensors)
                out = original(tensors, *args, **kwargs)
                self._after(track, started)
                return out
            finally:
                track.busy = False

        return backward

    def _before(self, track: Track, tensors: Any) -> float:
        now = self._clock()
        try:
            loss = self._objective(track, tensors)
            value = None
            if loss is not None and loss.device.type == "cpu":
                value = loss.item()
            track.backward_begins(now, value)
            if value is not None and value - value != 0.0:
                self._watch.bad_loss(track, loss, value)
        except Exception as exc:  # noqa: BLE001
            _guard.fault("watch backward", exc)
        return self._clock()

    def _after(self, track: Track, started: float) -> None:
        try:
            now = self._clock()
            track.backward_ends(started, now)
            watch = self._watch
            if not watch.constructed and not track.depth and watch.alone():
                watch.tell(None)
                watch.recorder.close(watch.recorder.cell(""), now)
        except Exception as exc:  # noqa: BLE001
            _guard.fault("watch backward", exc)

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
