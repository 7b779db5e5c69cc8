"""What programs do with gradients that they reduce by themselves: looked at in the first steps, on the host only."""

import math
from collections.abc import Callable, Iterable
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.rules.ranks import Reduction

STEPS = 16
"""Optimizer steps at the beginning in which `all_reduce` is looked at."""
_SIZE = 32
"""Elements of a gradient that are compared."""
_MOST = 4096
"""Calls of one step."""


class Reducing:
    """Looks at calls of `torch.distributed.all_reduce` for gradients.

    Args:
        torch: The module.

    Attributes:
        active: Whether it still looks.
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._reduced: dict[int, tuple[float, tuple[float, ...]]] = {}
        self._found: list[Reduction] = []
        self._steps = 0
        self.active = True

    def wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return `all_reduce` that does what `original` does, and takes note of it."""
        compiling = self._torch.compiler.is_compiling

        def all_reduce(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            if compiling() or not self.active:
                return original(tensor, *args, **kwargs)
            norm = None
            with _guard.guard("look at what is reduced"):
                norm = self._norm(tensor)
            work = original(tensor, *args, **kwargs)
            with _guard.guard("look at what was reduced"):
                if norm is not None and len(self._reduced) < _MOST:
                    self._reduced[tensor.data_ptr()] = norm, self._some(tensor) if work is None else ()
            return work

        return all_reduce

    def step_begins(self, optimizer: Any, step: int) -> None:
        """Compare what an optimizer is about to use with what was reduced since the step before."""
        reduced, self._reduced = self._reduced, {}
        self._steps += 1
        self.active = self._steps < STEPS
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        mine = [(g, reduced[g.data_ptr()]) for g in gradients if self._usable(g) and g.data_ptr() in reduced]
        if not mine or len(mine) < len(gradients):
            return
        told = [(some, self._some(g)) for g, (_, some) in mine if any(some)]
        self._found.append(
            Reduction(
                step=step,
                local_norm=math.hypot(*(norm for _, (norm, _) in mine)),
                kept=bool(told) and all(before == now for before, now in told),
            )
        )

    def told(self) -> tuple[Reduction, ...]:
        """Return what has been seen."""
        return tuple(self._found)

    def _usable(self, tensor: Any) -> bool:
        return bool(tensor.is_cpu) and tensor.is_floating_point() and tensor.is_contiguous() and tensor.numel() > 0

    def _norm(self, tensor: Any) -> float | None:
        if not self._usable(tensor):
            return None
        norm: float = self._torch.linalg.vector_norm(tensor.detach()).item()
        return norm

    def _some(self, tensor: Any) -> tuple[float, ...]:
        values: Iterable[float] = tensor.detach().reshape(-1)[:_SIZE].tolist()
        return tuple(values)
