"""Steps of optimizers, by PyTorch's global hooks: gradients are looked at before, and a step ends after."""

import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument.training.gradients import total
from otel_mldebug.instrument.training.optimizers import Known
from otel_mldebug.instrument.training.track import Track
from otel_mldebug.instrument.training.watch import Watch


class StepHooks:
    """Hooks for `torch.optim.Optimizer`.

    Args:
        watch: What all hooks share.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._recorder = watch.recorder
        self._clock = watch.clock
        self._tensor = watch.torch.Tensor
        self._modes = watch.torch._C._len_torch_dispatch_stack
        self._step_code: CodeType = watch.torch.optim.Optimizer.profile_hook_step(lambda _: None).__code__

    def constructing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `Optimizer.__init__` that notes that the program has an optimizer."""
        watch = self._watch

        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            watch.constructed = True
            original(optimizer, *args, **kwargs)

        return __init__

    def before(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """Look at the gradients before the optimizer uses them."""
        try:
            track = self._recorder.track
            if track.depth and self._nested():
                track.depth += 1
                return
            known = self._watch.optimizers.get(optimizer) or self._watch.met(optimizer)
            track.norm = None if _closure(args, kwargs) else self._look(track, known, optimizer)
            track.optimizer_begins(self._clock())
        except Exception as exc:  # noqa: BLE001
            _guard.fault("watch the optimizer", exc)

    def after(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """End the step."""
        try:
            recorder = self._recorder
            track = recorder.track
            if track.depth != 1:
                track.depth = max(0, track.depth - 1)
                return
            now = self._clock()
            track.optimizer_ends(now)
            known = self._watch.optimizers.get(optimizer)
            if known is None:
                return
            if _closure(args, kwargs):  # its gradients came into being inside of the step
                track.norm = self._look(track, known, optimizer)
                now = self._clock()
            rate = optimizer.param_groups[0].get("lr")
            if type(rate) is not float:
                rate = self._rate(rate)
            known.stepped(now - track.begun)
            recorder.close(known.cell, now, key=known.key, learning_rate=rate, gradient_norm=track.norm)
        except Exception as exc:  # noqa: BLE001
            _guard.fault("watch the optimizer", exc)

    def _nested(self) -> bool:
        """Return whether another step is really going on around this one, and did not end in an exception."""
        frame: FrameType | None = sys._getframe(2)
        steps = 0
        while frame is not None:
            steps += frame.f_code is self._step_code
            frame = frame.f_back
        return steps > 1

    def _rate(self, rate: Any) -> float | None:
        if isinstance(rate, self._tensor):
            return float(rate) if rate.device.type == "cpu" and not self._modes() else None
        return float(rate) if isinstance(rate, int) else None

    def _look(self, track: Track, known: Known, optimizer: Any) -> float | None:
        """Return the norm of all gradients when it is due; find out why when it is not finite."""
        if known.share <= 0 or self._modes():
            return None
        began = self._clock()
        if known.seen < known.next_look and self._quiet(known.sentinel):
            return None
        reader = self._watch.gradients
        parameters, gradients = reader.collect(optimizer)
        if not gradients or any(g.device.type != "cpu" for g in gradients):
            known.looked(self._clock() - began)
            return None
        norms = reader.read(gradients)
        found = total(norms)
        scale = getattr(optimizer, "grad_scale", None)
        if scale is not None:
            found /= float(scale)
        if known.sentinel is None:
            known.sentinel = min(parameters[:4], key=lambda p: int(p.numel()))
        known.looked(self._clock() - began)
        if found - found != 0.0 and scale is None:
            bad = [(p, n - n != 0.0) for p, n in zip(parameters, norms, strict=True)]
            self._watch.bad_gradients(track, bad, found)
        return found

    @staticmethod
    def _quiet(sentinel: Any) -> bool:
        """Return whether the sentinel's gradient gives no reason to look at all of them."""
        if sentinel is None or (gradient := sentinel.grad) is None:
            return True
        probe = gradient.sum().item()
        return bool(probe - probe == 0.0)


def _closure(args: Any, kwargs: Any) -> bool:
    return (len(args) > 1 and args[1] is not None) or (bool(kwargs) and kwargs.get("closure") is not None)
