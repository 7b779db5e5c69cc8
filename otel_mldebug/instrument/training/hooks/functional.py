"""`torch.func.grad` and `grad_and_value`, where a program without an optimizer trains by them."""

from collections.abc import Callable
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument.importing import OnImport
from otel_mldebug.instrument.training.hooks.backward import LEAST_WEIGHTS, BackwardHooks
from otel_mldebug.instrument.training.hooks.patches import Patch
from otel_mldebug.instrument.training.hooks.watch import Watch

_DEPTH = 4
"""Dicts, lists and tuples within each other in which weights are looked for."""


class FunctionalHooks:
    """Tells the recorder of each outermost call for the gradients of several tensors.

    Args:
        watch: What all hooks share.
        backward: Reads objectives, and ends steps of programs without an optimizer.
    """

    def __init__(self, watch: Watch, backward: BackwardHooks) -> None:
        self._watch = watch
        self._backward = backward
        self._patch: Patch | None = None
        self._import = OnImport("torch._functorch.eager_transforms", self._found)
        self._import.install()

    def remove(self) -> None:
        """Take it out again, or stop waiting for it."""
        self._import.remove()
        if self._patch is not None:
            self._patch.undo()
            self._patch = None

    def _found(self, transforms: Any) -> None:
        level = getattr(self._watch.torch._C._functorch, "peek_interpreter_stack", None)
        if level is not None and hasattr(transforms, "grad_and_value_impl"):  # neither is promised by PyTorch
            self._transformed = level
            self._patch = Patch(transforms, "grad_and_value_impl", self.wrap)

    def wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `grad_and_value_impl` that does what `original` does, and tells."""
        watch, clock, tracks = self._watch, self._watch.clock, self._watch.recorder.tracks
        transformed = self._transformed  # by another transform (vmap, grad, ...): then this is a part of that

        def grad_and_value_impl(func: Any, argnums: Any, has_aux: Any, args: Any, kwargs: Any) -> Any:
            track = tracks.track
            if watch.stepping or track.busy or transformed() is not None or not self._trained(argnums, args):
                return original(func, argnums, has_aux, args, kwargs)
            computed = 0.0

            def timed(*args: Any, **kwargs: Any) -> Any:
                nonlocal computed
                output = func(*args, **kwargs)
                computed = clock()
                return output

            track.busy = True
            try:
                results = original(timed, argnums, has_aux, args, kwargs)
            finally:
                track.busy = False
            try:
                value = results[1][0] if has_aux else results[1]
                track.backward_begins(computed, self._backward.read(track, value))
                track.backward_ends(computed, clock())
                self._backward.alone(track)
            except Exception as exc:  # noqa: BLE001
                _guard.fault("watch torch.func.grad", exc)
            return results

        return grad_and_value_impl

    def _trained(self, argnums: Any, args: Any) -> bool:
        """Return whether gradients of weights are asked for: several tensors. One may be an input that is explained."""
        try:
            places = argnums if isinstance(argnums, tuple) else (argnums,)
            return sum(self._count(args[place]) for place in places) >= LEAST_WEIGHTS
        except (TypeError, IndexError):  # PyTorch will say what is wrong
            return False

    def _count(self, value: Any, depth: int = _DEPTH) -> int:
        if isinstance(value, self._watch.torch.Tensor):
            return 1
        if not depth or not isinstance(value, (dict, list, tuple)):
            return 0
        values = value.values() if isinstance(value, dict) else value
        return sum(self._count(one, depth - 1) for one in values)
