"""Gradient scalers that keep the optimizer from stepping."""

import math
from collections.abc import Sequence

from otel_mldebug.rules.detectors.history import history
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

RECENT = 40
"""Latest steps that are judged."""
MOST = 0.5
"""Share of them that may be skipped. At the start a scaler skips some steps until it has found its scale (from 65536,
16 steps take it to 1), later one in `growth_interval`, which is 2000 by default. Source: torch.amp.GradScaler."""
SMALLEST = 2.0**-4
"""A scale below it does not scale up any more: gradients overflow although they were made 16 times smaller."""


def scaler_skips(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a gradient scaler skips `MOST` of the steps, also in the latest ones, or its scale has collapsed.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    recent = list(window)[-RECENT:]
    skipped = [r for r in recent if r.skipped]
    scale = next((r.scale for r in reversed(recent) if r.scale is not None and math.isfinite(r.scale)), None)
    collapsed = scale is not None and 0 <= scale < SMALLEST and len(skipped) >= 3 and recent[-1].index >= RECENT / 2
    late = sum(r.skipped for r in recent[-10:])
    if not collapsed and (len(recent) < RECENT or len(skipped) < MOST * RECENT or late < 5):
        return None
    first = next(r.index for r in window if r.skipped)
    return Finding(
        rule="amp.steps_skipped",
        category=Category.OPTIMIZATION,
        severity=Severity.ERROR,
        summary=f"The gradient scaler has skipped {len(skipped)} of the last {len(recent)} steps"
        + (f", and its scale is down to {scale:.3g}." if scale is not None else "."),
        cause="Gradients are not finite whatever the scale: they are so before scaling, or an operation overflows "
        "float16 in the forward pass.",
        solutions=(
            "Use bfloat16 (torch.autocast(..., dtype=torch.bfloat16)), which needs no scaler.",
            "Look for the operation that overflows: compute losses, exponentials, sums and norms in float32, with "
            "autocast disabled around them.",
            "Check that the loss itself is finite, and clip gradients after scaler.unscale_(optimizer).",
        ),
        prevention="Watch the scale: below 1 something in the model does not fit into float16.",
        confidence=0.9,
        basis="detector",
        evidence={
            "step": first,
            "skipped": len(skipped),
            "looked_at": len(recent),
            **({"scale": scale} if scale is not None else {}),
            **history(window),
        },
    )
