"""Being told before PyTorch's compiler is used for the first time, without importing it."""

from collections.abc import Callable
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument.importing import OnImport
from otel_mldebug.instrument.training.hooks.patches import Patch


class OnCompile:
    """Calls `then` with `torch._dynamo` before anything is compiled; at once if something has been.

    Most programs import the compiler without using it: every optimizer does so at its first step.

    Args:
        then: Called once for each `install`.
    """

    def __init__(self, then: Callable[[Any], None]) -> None:
        self._then = then
        self._import = OnImport("torch._dynamo", self._found)
        self._patch: Patch | None = None
        self._told = False

    def install(self) -> None:
        """Wait for it."""
        self._told = False
        self._import.install()

    def remove(self) -> None:
        """Stop waiting."""
        self._import.remove()
        if self._patch is not None:
            self._patch.undo()
            self._patch = None

    def _found(self, dynamo: Any) -> None:
        # torch.compile, torch.export and every other way make one of these before they trace anything.
        context = getattr(getattr(dynamo, "eval_frame", None), "OptimizeContext", None)
        if context is None or used(dynamo):
            self._tell(dynamo)
        else:
            self._patch = Patch(context, "__init__", lambda original: self._making(original, dynamo))

    def _making(self, original: Callable[..., Any], dynamo: Any) -> Callable[..., Any]:
        def __init__(context: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            if not self._told:
                with _guard.guard("keep our hooks out of what is compiled"):
                    self._tell(dynamo)
            original(context, *args, **kwargs)

        return __init__

    def _tell(self, dynamo: Any) -> None:
        self._told = True
        self._then(dynamo)


def used(dynamo: Any) -> bool:
    """Return whether something has been compiled, or is about to be, or whether that cannot be told."""
    try:
        frames = dynamo.convert_frame.FRAME_COUNTER
        backends = list(dynamo.eval_frame.cached_backends.values())
    except AttributeError:
        return True
    return frames > 0 or any(backend is not None for backend in backends)


def apart(torch: Any, dynamo: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what keeps a function out of what is compiled.

    That is `disable`, which costs most of a microsecond a call; so it is only gone through where the calling thread is
    compiling, which it hardly ever is when it is in one of our hooks.
    """
    try:
        compiling, skip = torch._C._dynamo.eval_frame.get_eval_frame_callback, dynamo.decorators.skip
    except AttributeError:  # not promised by PyTorch
        disable: Callable[[Callable[..., Any]], Callable[..., Any]] = dynamo.disable
        return disable

    def hide(function: Callable[..., Any]) -> Callable[..., Any]:
        disabled = dynamo.disable(function)

        def either(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs) if compiling() is None else disabled(*args, **kwargs)

        hidden: Callable[..., Any] = skip(either)
        return hidden

    return hide
