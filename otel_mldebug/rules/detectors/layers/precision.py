"""Numbers that a format cannot hold: updates that are rounded away, scalers that give up, weights not finite."""

from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.detectors.layers.reading import layers_of, listed, matrices, progress, trend
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOOKS = 3
ROUNDED, ROUNDED_STEPS, ROUNDED_LOSS = 0.7, 60, 0.9
"""Median share of the elements, over the layers, that steps leave as they were although they have gradients; for how
many steps, after which the loss is still so many times the first. Source: Zamirai et al., "Revisiting BFloat16
Training" (2020): updates below half a unit in the last place, 1/512 in bfloat16, are rounded away."""
STAYED, STAYED_STEPS, STAYED_LOSS, STAYED_NORM = 0.8, 300, 0.2, 0.06
"""The same share in every look since the first step, for how many steps, where the loss has come down to no less than
this part of the first (biases and the output are quickly put right) and falls no more: and no norm of a weight has
changed by more than this part of it, as those of any model that has learned have."""
KEPT_RATE = 0.5
"""Learning rate over the largest one so far, below which it has been lowered: weights are meant to come to rest."""
STILL_FALLS = 0.9
"""Mean loss of the latest quarter of the steps over that of the second one, below which the loss still falls."""
SCALE = 1.0
"""Factor of a scaler below which it has given up: it starts at 65536 and halves with each overflow."""


def rounded_updates(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when most elements of weights of 16 bits stay as they are, look after look, and the loss hardly falls.

    Or when it fell at first, with hardly any element of most weights moving, and has stopped to fall since.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    recent = looks[-LOOKS:]
    known = progress(looks, steps)
    if len(recent) < LOOKS or known.steps < ROUNDED_STEPS or known.left is None:
        return None
    if known.left < ROUNDED_LOSS and not (known.left >= STAYED_LOSS and _stayed(looks, steps)):
        return None
    shares = [_unmoved(look) for look in recent]
    lost = [share for share in shares if share is not None and share >= ROUNDED]
    if len(lost) < LOOKS:
        return None
    first = next(look.step for look in looks if (_unmoved(look) or 0.0) >= ROUNDED)
    worst = max((p for p in matrices(looks[-1]) if p.unmoved is not None), key=lambda p: p.unmoved or 0.0)
    rate = worst.learning_rate
    return Finding(
        rule="precision.updates_lost",
        category=Category.OPTIMIZATION,
        severity=Severity.WARNING,
        summary=f"{median(lost):.0%} of the weights stay exactly as they are in a step, although they have gradients: "
        f"updates are rounded away in {worst.dtype}, and the loss does not fall"
        + ("." if known.left >= ROUNDED_LOSS else " any more."),
        cause="A number of 16 bits cannot take an update that is much smaller than itself: below 1/512 (bfloat16) or "
        "1/4096 (float16) of it nothing changes"
        + (f", and the learning rate of {rate:g} makes such updates." if rate else "."),
        solutions=(
            "Keep the weights in float32 and compute with torch.autocast instead of model.to(torch.bfloat16).",
            "Use an optimizer that keeps a copy of the weights in float32, or rounds stochastically.",
            "Raise the learning rate, if the weights have to be of 16 bits.",
        ),
        prevention="Keep weights and the state of the optimizer in float32.",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": first,
            "layer": layers_of([worst])[0],
            "unmoved_share": round(median(lost), 4),
            **({"learning_rate": rate} if rate is not None else {}),
        },
    )


def collapsed_scale(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when the gradient scaler has halved its factor to less than `SCALE`.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    scales = [(look.step, look.scale) for look in looks if look.scale is not None]
    if not scales or not all(scale < SCALE for _, scale in scales[-2:]) or len(scales) < 2:
        return None
    first = next(step for step, scale in scales if scale < SCALE)
    return Finding(
        rule="precision.scale_collapsed",
        category=Category.GRADIENT,
        severity=Severity.ERROR,
        summary=f"The gradient scaler has come down to {scales[-1][1]:.3g}: gradients overflow again and again.",
        cause="Gradients or activations are not finite for a reason that no scale mends: an overflow in the forward "
        "pass, a division by zero, a mask of minus infinity.",
        solutions=(
            "Find the operation that overflows: run one step with torch.autograd.set_detect_anomaly(True).",
            "Use bfloat16 instead of float16.",
            "Compute losses, norms and softmax in float32, outside of autocast.",
        ),
        prevention="Watch the scale: it should settle at a power of two far above 1.",
        confidence=0.85,
        basis="detector",
        evidence={"step": first, "scale": scales[-1][1], "scale_first": scales[0][1]},
    )


def nonfinite_weights(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when trained weights are NaN or infinite while the loss does not show it.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    look = looks[-1]
    bad = [p for p in look.parameters if p.trainable and p.weight is not None and p.weight.nonfinite > 0]
    if not bad:
        return None
    first = next(earlier for earlier in looks if any(_bad(p, bad[0].name) for p in earlier.parameters))
    share = bad[0].weight.nonfinite if bad[0].weight is not None else 0.0
    return Finding(
        rule="parameter.nonfinite",
        category=Category.MODEL,
        severity=Severity.ERROR,
        summary=f"{share:.2g} of the elements of {bad[0].name} are NaN or infinite at step {first.step}"
        + (f", and some of {listed([p.name for p in bad[1:]])}." if len(bad) > 1 else "."),
        cause="An update or an initialisation was not finite; the loss does not depend on these elements yet.",
        solutions=(
            "Go back to the last checkpoint without them, and look at the gradients of this layer in the steps before.",
            "Clip gradients with error_if_nonfinite=True, which stops before a bad update.",
        ),
        prevention="Check weights for NaN before saving a checkpoint.",
        confidence=0.9,
        basis="detector",
        evidence={"step": first.step, "layer": layers_of(bad)[0], "nonfinite_share": share, "bad": len(bad)},
    )


def _bad(parameter: Parameter, name: str) -> bool:
    return parameter.name == name and parameter.weight is not None and parameter.weight.nonfinite > 0


def _unmoved(look: Look) -> float | None:
    """Return the median share of elements that the step left as they were; None where it was not measured."""
    shares = [p.unmoved for p in matrices(look) if p.unmoved is not None and p.optimized]
    return median(shares) if shares else None


def _stayed(looks: Sequence[Look], steps: Sequence[StepRecord]) -> bool:
    """Return whether weights have hardly moved from the first step on, and the loss has stopped to fall."""
    first, latest = looks[0], looks[-1]
    if latest.step - first.step < STAYED_STEPS or (goes := trend(steps)) is None or goes < STILL_FALLS:
        return False
    if any((share := _unmoved(look)) is None or share < STAYED for look in looks):
        return False
    rates = [max((p.learning_rate or 0.0 for p in look.parameters), default=0.0) for look in looks]
    if rates[-1] < KEPT_RATE * max(rates):
        return False
    before = {p.name: p.weight.norm for p in matrices(first) if p.weight is not None}
    now = [(before.get(p.name, 0.0), p.weight.norm) for p in matrices(latest) if p.weight is not None and p.optimized]
    return bool(now) and all(was > 0 and abs(norm - was) <= STAYED_NORM * was for was, norm in now)
