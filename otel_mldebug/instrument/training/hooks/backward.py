"""`torch.autograd.backward`, which `Tensor.backward` goes through as well: the objective, and the time.

And `torch.autograd.grad`, where a program without an optimizer trains by it.
"""

from collections.abc import Callable
from threading import get_ident
from types import GeneratorType
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument.training.hooks.watch import Watch
from otel_mldebug.instrument.training.steps.track import Track

MOST_LATE_LOSSES = 256
"""Objectives on a device that one step keeps: a program that never steps must not collect them for ever."""

LEAST_WEIGHTS = 2
"""Tensors that `grad` is asked for at once when it is asked for training."""


class BackwardHooks:
    """Tells the recorder of each outermost backward call.

    Args:
        watch: What all hooks share.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._tensor = watch.torch.Tensor
        self._direct = watch.devices.direct
        self._modes = watch.torch._C._len_torch_dispatch_stack

    def wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `backward` that does what `original` does, and tells.

        It runs at every step of programs whose steps are very short: so it has the arguments by name, which saves
        making a tuple and a dict of them.
        """
        tensor, direct, modes, slowly = self._tensor, self._direct, self._modes, self._slowly
        tracks, thread = self._watch.recorder.tracks, get_ident

        def backward(
            tensors: Any,
            grad_tensors: Any = None,
            retain_graph: Any = None,
            create_graph: Any = False,
            grad_variables: Any = None,
            inputs: Any = None,
            **more: Any,
        ) -> Any:
            track = tracks.lit
            light = track.light
            calm = False
            if light is None or track.owner != thread():
                track = tracks.track
                light = track.light
            if light is not None and type(tensors) is tensor and not track.busy and direct(tensors) and not modes():
                try:
                    value = tensors.item()
                    if track.loss is not None:
                        value += track.loss
                    calm = value < light.loss_alarm
                    if calm and track.pending:
                        track.let_go()
                except Exception:  # noqa: BLE001  (not one value: the slow way tells)
                    calm = False
            if not calm:
                args = (tensors, grad_tensors, retain_graph, create_graph, grad_variables, inputs)
                return slowly(track, original, args, more)
            track.loss = value
            track.backward_calls += 1
            track.busy = True
            try:
                if more:  # what a later PyTorch may have; to pass on nothing takes time as well
                    return original(tensors, grad_tensors, retain_graph, create_graph, grad_variables, inputs, **more)
                return original(tensors, grad_tensors, retain_graph, create_graph, grad_variables, inputs)
            finally:
                track.busy = False

        return backward

    def _slowly(self, track: Track, original: Callable[..., Any], args: tuple[Any, ...], more: dict[str, Any]) -> Any:
        """Call backward in a step of which more than its objective is of interest."""
        if track.busy:  # checkpointing calls backward inside of backward
            return original(*args, **more)
        track.busy = True
        try:
            looks = self._watch.looks
            if looks.wanted or looks.open:
                looks.backward(track, args[0])
            return self._fully(track, original, args, more)
        finally:
            track.busy = False

    def _fully(self, track: Track, original: Callable[..., Any], args: tuple[Any, ...], more: dict[str, Any]) -> Any:
        """Call backward in a step that is measured."""
        track.wake()
        self._begin(track, args[0])
        started = self._watch.clock()
        try:
            return original(*args, **more)
        finally:
            track.busy = False
            track.backward_ends(started, self._watch.clock())
            if not self._watch.stepping:
                self.alone(track)

    def wrap_grad(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `grad` that does what `original` does, and tells of calls that train where no optimizer does."""
        watch, clock, tracks = self._watch, self._watch.clock, self._watch.recorder.tracks

        def grad(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            track = tracks.track
            if track.passing is not None:
                track.passing.graphs.use()
            if watch.stepping or track.busy or kwargs.get("create_graph") or any(args[2:3]):
                return original(outputs, inputs, *args, **kwargs)
            if isinstance(inputs, GeneratorType):  # such as model.parameters(): can be gone through once
                inputs = tuple(inputs)
            if not self._trained(inputs):
                return original(outputs, inputs, *args, **kwargs)
            track.busy = True
            self._begin(track, outputs, idle=False)
            started = clock()
            try:
                return original(outputs, inputs, *args, **kwargs)
            finally:
                track.busy = False
                track.backward_ends(started, clock())
                self.alone(track)

        return grad

    def _trained(self, inputs: Any) -> bool:
        """Return whether those are weights: several leaves. A single one may be an input that is being explained."""
        if not isinstance(inputs, (list, tuple)) or len(inputs) < LEAST_WEIGHTS:
            return False
        return all(isinstance(tensor, self._tensor) and tensor.is_leaf for tensor in inputs)

    def _begin(self, track: Track, tensors: Any, *, idle: bool = True) -> None:
        now = self._watch.clock()
        try:
            loss = self._objective(track, tensors)
            value = None if loss is None else self._value(track, loss)
            if self._watch.insides.sample is not None:
                self._watch.insides.backward(track, now)
            track.backward_begins(now, value)
            if value is not None and value - value != 0.0:
                self._watch.bad_loss(track, loss, value)
            if idle and not self._watch.stepping:
                self._watch.idle.backward(track)
        except Exception as exc:  # noqa: BLE001
            _guard.fault("watch backward", exc)

    def read(self, track: Track, loss: Any) -> float | None:
        """Return an objective whose backward pass is over; None for none, and for one that is read in a later step."""
        found = self._objective(track, loss)
        value = None if found is None else self._value(track, found)
        if value is not None and value - value != 0.0:
            self._watch.bad_loss(track, found, value)
        return value

    def _value(self, track: Track, loss: Any) -> float | None:
        if self._direct(loss):
            value: float = loss.item()
            return value
        if len(track.late) < MOST_LATE_LOSSES and self._watch.devices.watchable(loss):
            track.late.append(loss.detach())
        return None

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

    def alone(self, track: Track) -> None:
        """End the step here, in a program that has no optimizer."""
        try:
            watch = self._watch
            if not track.depth and watch.alone():
                watch.tell(None)
                late = watch.late(track) if track.late else None
                if watch.looks.open:
                    watch.looks.alone(track)
                watch.recorder.close(track, watch.recorder.cell(""), track.mark, late=late)
        except Exception as exc:  # noqa: BLE001
            _guard.fault("watch backward", exc)
