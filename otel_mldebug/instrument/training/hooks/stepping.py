"""Steps of optimizers, by PyTorch's global hooks: gradients are looked at before, and a step ends after."""

import sys
from collections.abc import Callable
from threading import get_ident
from types import CodeType, FrameType
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument.training.hooks.patches import Hook
from otel_mldebug.instrument.training.hooks.watch import Watch
from otel_mldebug.instrument.training.steps.optimizers import MOST_BETWEEN, Known
from otel_mldebug.instrument.training.steps.track import Track
from otel_mldebug.instrument.training.tensors.gradients import total

FEWER = 0.75
"""Share of the gradients of the look before, below which there are so few that something was frozen, or cut off."""


class StepHooks:
    """Hooks for `torch.optim.Optimizer`.

    Args:
        watch: What all hooks share.

    Attributes:
        ending: The hook after a step, once it is in place.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._recorder = watch.recorder
        self._tracks = watch.recorder.tracks
        self._known = watch.optimizers.known
        self._clock = watch.clock
        self._looks = watch.looks
        self._insides = watch.insides
        self._tensor = watch.torch.Tensor
        self._modes = watch.torch._C._len_torch_dispatch_stack
        self.ending: Hook | None = None
        self._out = False
        self._step_code: CodeType = watch.torch.optim.Optimizer.profile_hook_step(lambda _: None).__code__

    def constructing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `Optimizer.__init__` that notes that the program has an optimizer."""
        watch = self._watch

        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            watch.constructed = True
            original(optimizer, *args, **kwargs)
            watch.looks.made(optimizer)

        return __init__

    def before(self) -> Callable[[Any, Any, Any], None]:
        """Return the hook before a step, which counts those that only have to be counted.

        It is a closure over local names: in programs whose steps are very short every read counts.
        """
        tracks, begins, alone = self._tracks, self._begins, self._alone
        recorder = self._recorder

        def before(optimizer: Any, args: Any, kwargs: Any) -> None:
            track = tracks.lit
            light = track.light
            if light is None or light.steps >= light.until or light.key != id(optimizer) or len(args) != 1 or kwargs:
                begins(tracks.track, optimizer, args, kwargs)
                return
            if track.fresh:
                alone(track)
            light.steps += 1
            track.backward_calls = 0
            track.loss = None
            cell = light.cell
            cell.steps += 1
            recorder.index = next(recorder.indices)
            if (samples := track.samples) is not None:
                cell.samples += samples
                track.samples = None

        return before

    def after(self) -> Callable[[Any, Any, Any], None]:
        """Return the hook after a step. Where steps are only counted it is taken out: being called is what costs."""
        tracks, ends = self._tracks, self._ends

        def after(optimizer: Any, args: Any, kwargs: Any) -> None:
            ends(tracks.track, optimizer, args, kwargs)

        return after

    def _alone(self, track: Track) -> None:
        """Take the hook after a step out; the first step that is more than counted puts it back.

        Not in the hook itself, which PyTorch calls while it goes through the hooks; and not once other threads step.
        """
        track.fresh = False
        if self.ending is not None and len(self._recorder.cells) == 1:
            self._out = self.ending.out()

    def _begins(self, track: Track, optimizer: Any, args: Any, kwargs: Any) -> None:
        """Look at the gradients before the optimizer uses them."""
        try:
            if self._within(track, optimizer):
                return
            known = self._known.get(id(optimizer)) or self._watch.met(optimizer)
            track.norm = None
            known.thread = get_ident()
            plain = len(args) == 1 and not kwargs
            cell = known.cell
            if known.steps >= known.next_look and cell.steps + 1 >= cell.next_record:  # a norm is worth a record
                if plain or not _closure(args, kwargs):
                    self._look(track, known, optimizer)
            elif known.sentinel is not None and plain:
                self._probe(track, known, optimizer)
            looks = self._looks
            if looks.open or known.steps >= known.looks.next_step:
                looks.step_begins(track, known, optimizer, closure=not plain and _closure(args, kwargs))
            known.steps += 1
            if known.steps >= known.looks.next_step:
                looks.wanted = True
            if track.light is known and plain:
                track.depth = 1
                return
            now = self._clock()
            if track.light is not None:
                track.interrupted(now)
            track.optimizer_begins(now)
        except Exception as exc:  # noqa: BLE001
            _guard.fault("watch the optimizer", exc)

    def _ends(self, track: Track, optimizer: Any, args: Any, kwargs: Any) -> None:
        """End the step."""
        try:
            if track.depth != 1:
                track.depth = max(0, track.depth - 1)
                return
            known = self._known.get(id(optimizer))
            if known is None:
                return
            if self._looks.open:
                self._looks.step_ends(track, known, optimizer)
            recorder = self._recorder
            if track.light is not None:
                if not recorder.counted(track):
                    recorder.light_record(track, known.cell, self._clock(), self._rate(optimizer))
                return
            now = self._clock()
            track.optimizer_ends(now)
            if (len(args) > 1 or kwargs) and _closure(args, kwargs) and known.steps >= known.next_look:
                self._look(track, known, optimizer)  # its gradients came into being inside of the step
                now = self._clock()
            late = self._watch.late(track) if track.late or track.late_norms else None
            rate, skipped = self._rate(optimizer), _skipped(optimizer)
            uneventful = recorder.close(track, known.cell, now, known.key, rate, track.norm, skipped, late)
            if uneventful and not (self._looks.wanted or track.wrapped) and known.uneventful():
                self._tracks.lit = track
                track.count_only(known)
            self._insides.step_ended(track, known.cell)
        except Exception as exc:  # noqa: BLE001
            _guard.fault("watch the optimizer", exc)

    def _within(self, track: Track, optimizer: Any) -> bool:
        """Return whether this step is within that of another optimizer, and so is no step of its own."""
        if track.depth and self._nested():
            track.depth += 1
            track.wrapped = True
            return True
        if not self._out:
            return False
        self._out = False
        if self.ending is not None:
            self.ending.back()
        if track.light is None or track.light.key == id(optimizer) or not self._nested():
            return False
        track.count_no_longer()  # the one around it has been counted already
        track.begin(self._clock())
        track.depth = 3  # so the hooks after both find that there is nothing to do
        return True

    def _probe(self, track: Track, known: Known, optimizer: Any) -> None:
        gradient = known.sentinel.grad
        if gradient is not None and not self._modes():
            probe = sum(gradient.reshape(-1).tolist())
            if probe - probe != 0.0:
                self._look(track, known, optimizer)

    def _nested(self) -> bool:
        """Return whether another step is really going on around this one, and did not end in an exception."""
        frame: FrameType | None = sys._getframe(2)
        steps = 0
        while frame is not None:
            steps += frame.f_code is self._step_code
            frame = frame.f_back
        return steps > 1

    def _rate(self, optimizer: Any) -> float | None:
        rate = optimizer.param_groups[0].get("lr")
        if type(rate) is float:
            return rate
        if isinstance(rate, self._tensor):
            return float(rate) if self._watch.devices.direct(rate) and not self._modes() else None
        return float(rate) if isinstance(rate, (int, float)) else None

    def _look(self, track: Track, known: Known, optimizer: Any) -> None:
        """Take the norm of all gradients; find out why when it is not finite."""
        if known.share <= 0 or self._modes():
            known.next_look = known.steps + MOST_BETWEEN
            return
        began = self._clock()
        reader = self._watch.gradients
        parameters, gradients = reader.collect(optimizer)
        if len(gradients) < known.gradients * FEWER:
            known.alarm()
        barren, known.gradients = not (gradients or known.gradients), len(gradients)
        devices = self._watch.devices
        if not gradients or not all(map(devices.direct, gradients)):
            if gradients and all(map(devices.watchable, gradients)):
                track.late_norms = parameters, [*reader.vector(gradients), *reader.vector(reader.local(parameters))]
            ended = self._clock()
            known.looked(began, ended, [])
            if barren:
                known.bare()
            self._recorder.relay.watched(0.0, ended - began)
            return
        norms = reader.read(gradients)
        found = total(norms)
        scale = getattr(optimizer, "grad_scale", None)
        if scale is not None:
            found /= float(scale)
        track.norm = found
        ended = self._clock()
        known.looked(began, ended, [p for p in parameters[:4] if type(p.grad) is self._tensor and not p.grad.is_sparse])
        self._recorder.relay.watched(0.0, ended - began)
        if found - found != 0.0 and scale is None:
            bad = [(p, n - n != 0.0) for p, n in zip(parameters, norms, strict=True)]
            self._watch.bad_gradients(track, known, bad, found)


def _closure(args: Any, kwargs: Any) -> bool:
    return (len(args) > 1 and args[1] is not None) or kwargs.get("closure") is not None


def _skipped(optimizer: Any) -> bool:
    """Return whether a fused optimizer has skipped its update, as a gradient scaler told it to."""
    found = optimizer.__dict__.get("found_inf")
    return found is not None and bool(found.is_cpu) and found.item() > 0
