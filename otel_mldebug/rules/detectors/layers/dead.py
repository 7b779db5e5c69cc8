"""Units of the ReLU family that are 0 for everything: they pass no gradient on and can not come back by themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from otel_mldebug.rules.detectors.layers.graph import hidden, is_sum, samples, source
from otel_mldebug.rules.detectors.layers.reading import progress
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Operation, Parameter
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

WHOLE = 0.98
"""Share of dead units from which a layer counts as dead as a whole."""
MOST = 0.9
"""Share from which a layer is ill. Source: SageMaker Debugger's DeadRelu fires at 0.5, AutoTrainer (ICSE 2021) at
0.7 of gradients that are 0; healthy wide layers reach 0.5, and deep ones 0.8 on their first plateau."""
LOOKS = 3
STEPS = 4, 16
"""Looks in a row, and steps between the first and the last of them: inside of the model, and at its output, which may
well begin below 0."""
SAMPLES = 16
"""Samples and places for which a unit has to be 0: in a smaller batch, chance alone makes units look dead."""
UNITS = 4
"""Units of a hidden layer, below which a share says little."""

_KINDS = ("Relu", "Threshold", "Hardtanh", "Clamp", "ClampMin")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Activation:
    """An activation of the ReLU family: the how many-th of its look, its layer, and whether a layer comes after it."""

    at: int
    layer: str
    operation: Operation
    dead: float
    inside: bool


def dead_units(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when a layer is dead (`WHOLE`) in the latest looks, or most of it (`MOST`) while the loss does not fall.

    An activation whose result the loss takes counts only as a whole, and only right behind a layer: the ReLU of a hinge
    loss is 0 for everything that is learned. Zeros are no dead units: half of all values are 0 in every healthy layer.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    bad = [activation for activation in _activations(looks[-1]) if activation.dead >= MOST]
    if not bad:
        return None
    known = progress(looks, steps)
    for activation in bad:
        fits = activation.inside or known.left is None or known.left > 0.8
        if fits and _lasts(looks, activation, WHOLE, STEPS[0 if activation.inside else 1]):
            return _finding(looks, activation, len(bad) - 1, whole=True)
    for activation in bad:
        if activation.inside and known.stuck and known.steps >= 30 and _lasts(looks, activation, MOST, STEPS[0]):
            return _finding(looks, activation, len(bad) - 1, whole=False)
    return None


def _activations(look: Look) -> Iterator[_Activation]:
    inside = hidden(look)
    at = -1
    for place, op in enumerate(look.operations):
        if op.kind.rstrip("0123456789") not in _KINDS:
            continue
        at += 1
        if op.dead is None or (op.shape and samples(op.shape, op.units) < SAMPLES):
            continue
        if place in inside and op.units >= UNITS:
            yield _Activation(at=at, layer=op.layer, operation=op, dead=op.dead, inside=True)
        elif place not in inside and _right_behind_a_layer(look, place):
            yield _Activation(at=at, layer=op.layer, operation=op, dead=op.dead, inside=False)


def _right_behind_a_layer(look: Look, place: int) -> bool:
    before = source(look, place)
    return before is not None and is_sum(look.operations[before].kind)


def _lasts(looks: Sequence[Look], activation: _Activation, share: float, steps: int) -> bool:
    """Return whether the same activation is as bad in the latest looks, `LOOKS` at least and over so many steps."""
    if activation.dead < share:
        return False
    seen = ((look, a) for look in reversed(looks) for a in _activations(look) if a.at == activation.at)
    for count, (look, same) in enumerate(seen, 1):
        if same.dead < share or same.layer != activation.layer or same.operation.units != activation.operation.units:
            return False
        if count >= LOOKS and looks[-1].step - look.step >= steps:
            return True
    return False


def _finding(looks: Sequence[Look], bad: _Activation, others: int, *, whole: bool) -> Finding:
    first = looks[-1].step
    shares = [
        (look.step, a.dead) for look in looks for a in _activations(look) if a.at == bad.at and a.layer == bad.layer
    ]
    for step, share in reversed(shares):
        if share < (WHOLE if whole else MOST):
            break
        first = step
    name = bad.layer or f"activation {bad.at + 1} of the model"
    cause, fix, evidence = _blame(looks, bad, shares)
    also = f", and so {'are' if others > 1 else 'is'} {others} more" if others > 0 else ""
    what = "All" if bad.dead >= 1 else f"{bad.dead:.0%} of the"
    return Finding(
        rule="activation.dead",
        category=Category.MODEL,
        severity=Severity.ERROR if whole else Severity.WARNING,
        summary=f"{what} {bad.operation.units} units of {name} are dead since step {first}{also}: their output is "
        f"0 for every sample, so no gradient passes.",
        cause=cause,
        solutions=(
            fix,
            "Use an activation that has a gradient on both sides: LeakyReLU, GELU or SiLU.",
            "Normalise inputs, and initialise with nn.init.kaiming_normal_(w, nonlinearity='relu') and biases of 0.",
        ),
        prevention="Keep the learning rate below the range where the loss jumps, and watch the share of dead units.",
        confidence=0.9 if whole else 0.75,
        basis="detector",
        evidence={
            "step": first,
            **({"layer": bad.layer} if bad.layer else {}),
            "dead_share": round(bad.dead, 4),
            "dead_share_first": round(shares[0][1], 4) if shares else round(bad.dead, 4),
            "units": bad.operation.units,
            "other_dead_layers": others,
            **evidence,
        },
    )


def _blame(
    looks: Sequence[Look], bad: _Activation, shares: Sequence[tuple[int, float]]
) -> tuple[str, str, dict[str, Value]]:
    """Return cause, what to do about it, and the numbers behind it."""
    parameters = [p for p in looks[-1].parameters if p.layer == bad.layer and bad.layer]
    bias = next((p for p in parameters if p.name.endswith("bias") and p.weight is not None), None)
    rate = max((p.learning_rate or 0.0 for p in looks[-1].parameters), default=0.0)
    evidence: dict[str, Value] = {"learning_rate": rate} if rate else {}
    if bias is not None and bias.weight is not None:
        evidence["bias_mean"] = bias.weight.mean
    died = bool(shares) and shares[0][1] < MOST
    ratio = _largest_update(looks)
    if ratio:
        evidence["update_ratio"] = ratio
    if died or (looks[0].step > 0 and ratio > 0.1):
        return (
            f"The units died during training: a step was so large that they fell below 0 for all inputs "
            f"(learning rate {rate:g}).",
            "Lower the learning rate by a factor of 10, warm it up, and clip gradients.",
            evidence,
        )
    if bias is not None and bias.weight is not None and _pushes_down(bias, parameters):
        return (
            f"The biases of the layer are {bias.weight.mean:.3g} on average, which outweighs what comes in.",
            "Start the biases at 0, or at a small positive value.",
            evidence,
        )
    return (
        "The layer was dead from the first look on: its weights or biases start where no input reaches above 0, or its "
        "inputs are all 0 or far below it.",
        "Look at how the layer is initialised and at the range of what goes in.",
        evidence,
    )


def _pushes_down(bias: Parameter, parameters: Sequence[Parameter]) -> bool:
    weight = next((p.weight for p in parameters if len(p.shape) >= 2 and p.weight is not None), None)
    if bias.weight is None or bias.weight.mean >= 0:
        return False
    return weight is None or -bias.weight.mean > 3 * max(weight.std, 1e-12)


def _largest_update(looks: Sequence[Look]) -> float:
    """Return the largest median over the layers of what one step changed, relative to the weights; 0 if unknown."""
    found = 0.0
    for look in looks:
        ratios = [p.update_ratio for p in look.parameters if p.update_ratio is not None and len(p.shape) >= 2]
        found = max(found, median(ratios) if ratios else 0.0)
    return found
