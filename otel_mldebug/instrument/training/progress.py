"""Where training stands, for whoever reports an exception. Neither imports nor needs PyTorch."""

from typing import TYPE_CHECKING, Any

from otel_mldebug import _guard
from otel_mldebug.rules.capture import traceback_of

if TYPE_CHECKING:
    from otel_mldebug.instrument.training.steps.recorder import StepRecorder
    from otel_mldebug.instrument.training.tensors.layers import Layers

_recorder: "StepRecorder | None" = None
_layers: "Layers | None" = None
_MOST_FRAMES = 200


def follow(recorder: "StepRecorder | None", layers: "Layers | None") -> None:
    """Take the recorder whose steps count from now on; None when nothing is watched any more."""
    global _recorder, _layers
    _recorder, _layers = recorder, layers


def recorder() -> "StepRecorder | None":
    """Return the recorder whose steps count; None when there is none yet."""
    return _recorder


def finish() -> None:
    """Pass on all that is left of a recorder that nothing but the program itself has used, and let it go."""
    with _guard.guard("pass on the last steps"):
        if _recorder is not None:
            _recorder.finish()
            follow(None, None)


def context(exc: BaseException | None = None) -> dict[str, Any]:
    """Return what is known of the training step that is going on, empty outside of training.

    Args:
        exc: An exception that came out of the program: the innermost module whose method it passed gives the layer.

    Returns:
        `step`, `epoch`, `loss`, `gradient_norm`, `learning_rate`, `layer`, as far as they are known.
    """
    known: dict[str, Any] = {}
    with _guard.guard("say where training stands"):
        if _recorder is not None:
            known = _recorder.progress()
        if exc is not None and (layer := layer_of(exc)):
            known["layer"] = layer
    return known


def layer_of(exc: BaseException) -> str:
    """Return the qualified name of the innermost module that `exc` came out of; empty if there is none."""
    if _layers is None:
        return ""
    layer, traceback = "", traceback_of(exc)
    for _ in range(_MOST_FRAMES):
        if traceback is None:
            break
        module = traceback.tb_frame.f_locals.get("self")
        if module is not None and _layers.is_module(module):
            layer = _layers.module_name(module) or layer
        traceback = traceback.tb_next
    return layer
