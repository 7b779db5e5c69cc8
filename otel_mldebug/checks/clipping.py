"""Does clipping really clip what the optimizer gets?"""

import sys
from collections.abc import Callable
from typing import Any

from otel_mldebug.checks.failed import ClippingDoesNotClip
from otel_mldebug.instrument.training.tensors.health import local

TOLERANCE = 1e-3
"""Share by which a norm may exceed its limit: clip_grad_norm_ divides by the norm plus 1e-6."""
TOO_SMALL = 0.5
"""Share of the limit below which large gradients have been made too small."""


def clipping_clips(
    step: Callable[[], object], model: Any, *, max_norm: float | None = None, max_value: float | None = None,
    amplify: float = 1e4,
) -> None:  # fmt: skip
    """Check that gradients are clipped before an optimizer uses them, by making them huge on the way.

    Args:
        step: Does one training step of yours: forward, backward, clipping, optimizer. It changes the model.
        model: The module whose gradients are made huge.
        max_norm: Largest norm of all gradients together that the optimizer may see.
        max_value: Largest absolute value of an element of one.
        amplify: What each gradient is multiplied by in backward, above 1.

    Raises:
        ClippingDoesNotClip: the optimizer sees larger gradients, far too small ones, or none.
        ValueError: neither limit is given.
    """
    import torch

    if max_norm is None and max_value is None:
        raise ValueError("clipping_clips: give max_norm or max_value, as the loop has it.")
    parameters = {id(p): (name, p) for name, p in model.named_parameters() if p.requires_grad}
    seen: list[list[tuple[str, float, float]]] = []

    def before(optimizer: Any, *_: Any) -> None:
        held = [parameters.get(id(p), ("", p)) for group in optimizer.param_groups for p in group["params"]]
        seen.append([(n, *_size(torch, p.grad)) for n, p in held if n and p.grad is not None])

    handles = [p.register_hook(lambda gradient: gradient * amplify) for _, p in parameters.values()]
    optimizers = sys.modules["torch.optim.optimizer"]
    handles.append(optimizers.register_optimizer_step_pre_hook(before))
    try:
        step()
    finally:
        for handle in handles:
            handle.remove()
    rows = [row for rows in seen for row in rows]
    if not rows:
        raise ClippingDoesNotClip(
            "No optimizer has used a gradient of the model in this step: there is nothing to clip, or a gradient "
            "scaler skipped the step because the gradients overflowed; then pass a smaller amplify."
        )
    for held in filter(None, seen):
        _judge(held, max_norm, max_value)


def _judge(rows: list[tuple[str, float, float]], max_norm: float | None, max_value: float | None) -> None:
    norm = sum(n * n for _, n, _ in rows) ** 0.5
    largest = max(value for _, _, value in rows)
    too_large = (max_norm is not None and not norm <= max_norm * (1 + TOLERANCE)) or (
        max_value is not None and not largest <= max_value * (1 + TOLERANCE)
    )
    limit = f"norm {max_norm:g}" if max_norm is not None else f"values up to {max_value:g}"
    if too_large:
        worst = sorted(rows, key=lambda row: -row[1])[:5]
        raise ClippingDoesNotClip(
            "\n".join(
                [
                    f"The optimizer sees gradients of norm {norm:.4g} and values up to {largest:.4g}; {limit} is "
                    "allowed. Clip after backward and before optimizer.step(), all parameters that it holds.",
                    *(f"  {name}: norm {n:.4g}, largest {value:.4g}" for name, n, value in worst),
                ]
            )
        )
    if max_norm is not None and norm < TOO_SMALL * max_norm:
        raise ClippingDoesNotClip(
            f"Huge gradients reach the optimizer with norm {norm:.4g} although {limit} is allowed: they are clipped "
            "while a gradient scaler still scales them. Call scaler.unscale_(optimizer) before clipping."
        )


def _size(torch: Any, gradient: Any) -> tuple[float, float]:
    dense = local(torch, gradient)
    if dense is None or not dense.numel():
        return 0.0, 0.0
    flat = dense.detach().abs().double()
    return float(torch.linalg.vector_norm(flat)), float(flat.max())
