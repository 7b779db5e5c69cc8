"""Gradient scalers that keep the optimizer from stepping."""

import math
from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.course import Course
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
CLIPPED, ALIKE = 0.9, 1e-3
"""Share of the steps whose scaled gradients all have the same norm, and how far such norms may be apart, as a share:
nothing but clipping makes them so."""
LEAST_NORMS = 6
"""Steps whose norm is known, at least: it is not measured in each."""
SCALED, NORM, LIMITS = 1024.0, 5e-3, (0.01, 1000.0)
"""Scale, from which on the rest is told apart: the norm that the optimizer gets at most, which nobody clips to, and the
norms that people do clip to."""


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


def clipped_while_scaled(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when gradients were clipped before the scaler had unscaled them: what is left is a scale-th of the limit.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    course = Course.of(window)
    if course.steps < RECENT:
        return None
    every = {r.index: r for r in (*course.early, *course)}
    known = [
        (step, r.gradient_norm, r.scale)
        for step, r in sorted(every.items())
        if r.gradient_norm is not None and r.scale is not None and not r.skipped and r.scale >= SCALED
    ]
    if len(known) < LEAST_NORMS:
        return None
    limits = [norm * scale for _, norm, scale in known]
    limit, norm = median(limits), median(norm for _, norm, _ in known)
    alike = sum(abs(one - limit) <= ALIKE * limit for one in limits)
    if not LIMITS[0] <= limit <= LIMITS[1] or norm > NORM or alike < CLIPPED * len(known):
        return None
    scale = known[-1][2]
    return Finding(
        rule="gradient.clipped_scaled",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"Gradients are clipped to {limit:.3g} while they are still scaled by {scale:g}: the optimizer gets a "
        f"norm of {norm:.2g} in each step.",
        cause="clip_grad_norm_ is called before scaler.unscale_(optimizer): scaled gradients always exceed the limit, "
        "and unscaling makes what is left of them tiny.",
        solutions=(
            "Call scaler.unscale_(optimizer) right before clip_grad_norm_; scaler.step() will not unscale again.",
            "Clip by limit * scaler.get_scale() if gradients have to stay scaled.",
        ),
        prevention="Log the norm that clip_grad_norm_ returns: of unscaled gradients it is about 0.1 to 10.",
        confidence=0.95,
        basis="detector",
        evidence={
            "step": known[0][0],
            "gradient_norm": norm,
            "limit": limit,
            "scale": scale,
            **history(window),
        },
    )
