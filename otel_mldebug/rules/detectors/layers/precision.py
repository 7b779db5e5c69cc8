"""Numbers that a format cannot hold: gradients that become 0, scalers that give up, weights that are not finite."""

from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.detectors.layers.reading import layers_of, listed, matrices, progress
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOST = 0.4
"""Median share of gradients, over the layers, that are 0 or too small for the format.
Source: Micikevicius et al., "Mixed Precision Training" (ICLR 2018), figure 3."""
LOOKS = 3
ROUNDED, ROUNDED_STEPS, ROUNDED_LOSS = 0.7, 60, 0.9
"""Median share of the elements, over the layers, that steps leave as they were although they have gradients; for how
many steps, after which the loss is still so many times the first. Source: Zamirai et al., "Revisiting BFloat16
Training" (2020): updates below half a unit in the last place, 1/512 in bfloat16, are rounded away."""
SCALE = 1.0
"""Factor of a scaler below which it has given up: it starts at 65536 and halves with each overflow."""


def underflow(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when gradients of float16 are lost in most layers, look after look, and no scaler lifts them.

    The first layer is left out: inputs that are 0 make gradients of 0. Dead units do so, too, but not subnormal ones.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    recent = looks[-LOOKS:]
    known = progress(looks, steps)
    if len(recent) < LOOKS or (known.left is not None and known.left < 0.5):
        return None
    shares = [_lost(look) for look in recent]
    if any(share is None or share < LOST for share in shares):
        return None
    weights = _half(looks[-1])
    worst = max(weights, key=_share)
    first = next(look.step for look in looks if (_lost(look) or 0.0) >= LOST)
    share = median([s for s in shares if s is not None])
    return Finding(
        rule="precision.underflow",
        category=Category.GRADIENT,
        severity=Severity.WARNING,
        summary=f"{share:.0%} of the gradients are lost in float16 (0 or below 6e-5), in most of {len(weights)} "
        f"layers, and no scaler lifts them.",
        cause="float16 rounds what is below 6e-8 to 0, and loses digits below 6e-5: gradients have to be scaled up.",
        solutions=(
            "Use torch.amp.GradScaler: scaler.scale(loss).backward(); scaler.step(optimizer); scaler.update().",
            "Use bfloat16 instead of float16: it has the range of float32 and needs no scaler.",
            "Keep the weights in float32 and compute with torch.autocast instead of model.half().",
        ),
        prevention="With float16, always train with a scaler.",
        confidence=0.85,
        basis="detector",
        evidence={"step": first, "layer": layers_of([worst])[0], "lost_share": round(share, 4), "layers": len(weights)},
    )


def rounded_updates(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when most elements of weights of 16 bits stay as they are, look after look, and the loss hardly falls.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    recent = looks[-LOOKS:]
    known = progress(looks, steps)
    if len(recent) < LOOKS or known.steps < ROUNDED_STEPS or known.left is None or known.left < ROUNDED_LOSS:
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
        f"updates are rounded away in {worst.dtype}, and the loss does not fall.",
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


def _half(look: Look) -> list[Parameter]:
    """Return the weights behind the first layer whose gradients are made in float16 without a scaler."""
    if look.scale is not None and look.scale > 1:
        return []
    weights = matrices(look)
    half = [p for p in weights if p.dtype == "float16" or look.autocast == "float16"]
    return [p for p in half if p is not weights[0] and p.gradient is not None and p.reached is not False]


def _unmoved(look: Look) -> float | None:
    """Return the median share of elements that the step left as they were; None where it was not measured."""
    shares = [p.unmoved for p in matrices(look) if p.unmoved is not None and p.optimized]
    return median(shares) if shares else None


def _share(parameter: Parameter) -> float:
    stats = parameter.gradient
    return stats.zero + stats.tiny if stats is not None else 0.0


def _lost(look: Look) -> float | None:
    """Return the median share of lost gradients over the layers; None where there is no float16."""
    shares = [_share(p) for p in _half(look)]
    return median(shares) if shares else None
