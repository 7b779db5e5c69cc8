"""Hooks on the modules of a model that do not stand in the way of copying, pickling and compiling it."""

import contextlib
from collections.abc import Callable
from typing import Any

from typing_extensions import override

from otel_mldebug import _guard


class Hook:
    """One hook. A copy of the model, or a pickle of it, has in its place one that does nothing and is Python's own.

    While PyTorch's compiler traces, it does nothing, and nothing of it is in the compiled code.

    Args:
        torch: The module.
        then: What it does, with the module, its arguments and, after the forward pass, its output.
        doing: What that is, for the log.
    """

    def __init__(self, torch: Any, then: Callable[..., None], doing: str) -> None:
        self._compiling = torch.compiler.is_compiling
        self._then = then
        self._doing = doing

    def __call__(self, *args: Any) -> None:
        """Do it, guarded: the forward pass goes on as if there were no hook."""
        if self._compiling():
            return
        try:
            self._then(*args)
        except Exception as exc:  # noqa: BLE001
            _guard.fault(self._doing, exc)

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (contextlib.nullcontext(), "__exit__")  # takes whatever it is given and returns None


def compiled(model: Any) -> bool:
    """Return whether `model` is, or holds, what `torch.compile` has returned or changed."""
    return any(
        "_orig_mod" in module.__dict__.get("_modules", {})
        or module.__dict__.get("_compiled_call_impl") is not None
        for module in model.modules()
    )  # fmt: skip
