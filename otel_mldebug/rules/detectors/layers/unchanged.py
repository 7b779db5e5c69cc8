"""Parameters that an optimizer holds and that never change: no gradient, no rate, or no effect."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.layers.changes import LOOKS, START, STEPS, fates
from otel_mldebug.rules.detectors.layers.reading import layers_of, listed, matrices, progress
from otel_mldebug.rules.detectors.layers.reported import count, evidence
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

RATE_STEPS = 50
"""Steps with a learning rate of 0 from the start on: a warm-up has left 0 by then."""
STUCK_STEPS = 60
"""Steps that the loss has had to fall, where only the first layer has gradients of 0."""


NOTHING = 1e-12
"""Gradient over the largest of any layer, up to which it is what 0 was rounded to, if the weights never move."""


def zero_gradients(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when all gradients, or those of the first two layers or more, are 0 in every look since the start.

    Of the first layer alone, too, where the loss does not fall. Those of later layers are 0 on purpose at times: a head
    whose loss has no weight yet, attention to a single place.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    known = [f for f in fates(looks) if f.held and f.gradient is not None]
    least = NOTHING * max((f.gradient or 0.0 for f in known), default=0.0)
    zero = [f for f in known if f.idle and (f.gradient or 0.0) <= least]
    whole = len(zero) == len(known)
    others = [f.place for f in known if (f.gradient or 0.0) > least]
    if not zero or (not whole and (not others or max(f.place for f in zero) > min(others))):
        return None
    if len(zero) < 2 and not whole:
        course = progress(looks, steps)
        if not course.stuck or course.steps < STUCK_STEPS or _fed_zeros(looks[-1], zero[0].latest.layer):
            return None
    names = layers_of([f.latest for f in zero])
    size = "next to" if any(f.gradient for f in zero) else "exactly"
    return Finding(
        rule="gradient.zero",
        category=Category.GRADIENT,
        severity=Severity.ERROR if whole else Severity.WARNING,
        summary=f"The gradients of {listed(names)} are {size} 0 in every step looked at: "
        f"{count(len(zero), 'weight')} of {len(known)} never {'change' if len(zero) != 1 else 'changes'}.",
        cause="What comes after these layers has no slope: dead units, clamp or rounding out of range, a factor of 0, "
        "saturated outputs, or weights of 0." + (" Or zero_grad comes between backward and step." if whole else ""),
        solutions=(
            "Look at the activations behind these layers: are they all 0, clipped, or rounded?",
            "Replace operations without a slope (round, sign, argmax, comparisons, hard clamp) by smooth ones.",
            "Check the factors that the loss is multiplied by, and masks.",
        ),
        prevention="After the first backward call, check that gradients are not 0.",
        confidence=0.9 if whole else 0.7,
        basis="detector",
        evidence=evidence(looks, zero, known),
    )


def decayed_only(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when all gradients are 0 in every look since the start, and only weight decay changes the weights.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    if len(looks) < LOOKS or looks[0].step > START or looks[-1].step - looks[0].step < STEPS:
        return None
    for look in looks:
        weights = [p for p in matrices(look) if p.optimized]
        if not weights or any(p.gradient is None or p.gradient.norm or p.gradient.nonfinite for p in weights):
            return None
    if not all(p.decay > 0 and p.reached for p in weights):
        return None
    names = layers_of(weights)
    return Finding(
        rule="gradient.zero",
        category=Category.GRADIENT,
        severity=Severity.ERROR,
        summary=f"The gradients of {listed(names)} are exactly 0 in every step looked at: nothing but weight decay "
        f"changes {count(len(weights), 'weight')}.",
        cause="Gradients are set to 0 between backward and step: zero_grad comes after backward. Or what comes after "
        "these layers has no slope: dead units, rounding, a factor of 0.",
        solutions=(
            "Call zero_grad before backward, or after step: optimizer.zero_grad(); loss.backward(); optimizer.step().",
            "Look at the activations of the last layers, and at the factors that the loss is multiplied by.",
        ),
        prevention="After the first backward call, check that gradients are not 0.",
        confidence=0.9,
        basis="detector",
        evidence={"step": looks[0].step, "layer": names[0], "looks": len(looks), "weights": len(weights)},
    )


def _fed_zeros(look: Look, layer: str) -> bool:
    """Return whether all that a layer takes is known to be 0: then the data is to blame, and another rule says so."""
    taken = [op.operand for op in look.operations if op.layer == layer and op.operand is not None]
    return bool(taken) and all(stats.low == stats.high == 0 for stats in taken)


def cleared_gradients(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when the loss depends on the weights and the optimizer never sees a gradient of any of them.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    known = [f for f in fates(looks) if f.held and f.reached is not False]
    if not known or not all(f.idle and f.latest.reached and f.gradient is None for f in known):
        return None
    return Finding(
        rule="gradient.cleared",
        category=Category.GRADIENT,
        severity=Severity.ERROR,
        summary=f"The optimizer never sees a gradient: backward reaches {count(len(known), 'weight')}, and none "
        "of them has one when the optimizer steps.",
        cause="Gradients are cleared between backward and step: zero_grad comes after backward, or before the step of "
        "another optimizer that shares the parameters.",
        solutions=(
            "Call zero_grad before backward, or after step: optimizer.zero_grad(); loss.backward(); optimizer.step().",
            "Look for code that sets .grad to None, or takes gradients with autograd.grad and does not store them.",
        ),
        prevention="Keep zero_grad, backward and step next to each other in one function.",
        confidence=0.9,
        basis="detector",
        evidence=evidence(looks, known, known),
    )


def zero_rate(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when all learning rates have been 0 from the start on, for `RATE_STEPS` steps.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    if any(r.learning_rate for r in steps):
        return None
    held = [p for look in looks for p in look.parameters if p.optimized and p.trainable and p.learning_rate is not None]
    last = max(looks[-1].step, steps[-1].index if steps else 0)
    if not held or any(p.learning_rate != 0 or p.changed for p in held):
        return None
    if looks[0].step > RATE_STEPS or last - looks[0].step < RATE_STEPS:
        return None
    return Finding(
        rule="learning_rate.zero",
        category=Category.OPTIMIZATION,
        severity=Severity.ERROR,
        summary=f"The learning rate is 0 in all {last - looks[0].step + 1} steps so far: nothing is learned.",
        cause="A schedule starts at 0 and is not stepped, is stepped by epochs while it is meant by steps, or divides "
        "integers; or the optimizer was made with lr=0.",
        solutions=(
            "Print scheduler.get_last_lr() in each step, and call scheduler.step() after optimizer.step().",
            "Give the schedule the unit that it is stepped in: steps or epochs.",
            "Start a warm-up above 0, such as (step + 1) / warmup_steps.",
        ),
        prevention="Plot the learning rate of all steps before a long run.",
        confidence=0.95,
        basis="detector",
        evidence={"step": looks[0].step, "learning_rate": 0.0, "steps": last - looks[0].step + 1},
    )


def lost_updates(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when nothing changes although there are gradients and a learning rate.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Not looked at.
    """
    del steps
    known = [f for f in fates(looks) if f.held and f.gradient and f.latest.learning_rate]
    if not known or any(not f.idle for f in known) or all(f.latest.update_ratio is None for f in known):
        return None
    ratio = max(f.latest.update_ratio or 0.0 for f in known)
    rate = max(f.latest.learning_rate or 0.0 for f in known)
    kept = ratio > 1e-6
    return Finding(
        rule="parameter.never_changes",
        category=Category.OPTIMIZATION,
        severity=Severity.ERROR,
        summary=f"No weight has changed in {looks[-1].step - looks[0].step} steps, although there are gradients and "
        f"the learning rate is {rate:g}.",
        cause="The weights are set back after each step: something loads or copies old values."
        if kept
        else f"The updates are too small for the numbers of {known[0].latest.dtype or 'the weights'}: they are rounded "
        "away.",
        solutions=(
            "Look for load_state_dict, copy_ or an average of weights that is written back in the loop."
            if kept
            else "Raise the learning rate.",
            "Keep the weights in float32 and compute with torch.autocast, if they are of 16 bits.",
            "Check that gradients are not scaled down (loss divided twice, clipping to a tiny norm).",
        ),
        prevention="Compare a weight before and after the first steps.",
        confidence=0.85,
        basis="detector",
        evidence={**evidence(looks, known, known), "learning_rate": rate, "update_ratio": ratio},
    )
