"""Checkpoints: what `load_state_dict(strict=False)` has left as it was."""

from collections.abc import Callable, Mapping
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training.hooks.watch import Watch
from otel_mldebug.rules.detectors.calls import nothing_loaded


class LoadingHooks:
    """A wrapper for `torch.nn.Module.load_state_dict`. Strict calls fail by themselves, so it passes them on.

    Args:
        watch: What all hooks share.
    """

    def __init__(self, watch: Watch) -> None:
        self._recorder = watch.recorder
        self._tensor = watch.torch.Tensor

    def loading(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `load_state_dict` that compares the names where nothing else does."""

        def load_state_dict(module: Any, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
            strict = args[0] if args else kwargs.get("strict", True)
            out = original(module, state_dict, *args, **kwargs)
            if not strict:
                try:
                    self._judge(module, state_dict)
                except Exception as exc:  # noqa: BLE001
                    _guard.fault("look at what was loaded", exc)
            return out

        return load_state_dict

    def _judge(self, module: Any, state_dict: Mapping[str, Any]) -> None:
        if not sinks.current().active():
            return
        own, given = self._shapes(module.state_dict()), self._shapes(state_dict)
        found = nothing_loaded(own, given, name=type(module).__name__, step=self._recorder.index)
        if found is not None:
            self._recorder.report(self._recorder.tracks.track, found)

    def _shapes(self, state: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        return {str(key): tuple(value.shape) for key, value in state.items() if isinstance(value, self._tensor)}
