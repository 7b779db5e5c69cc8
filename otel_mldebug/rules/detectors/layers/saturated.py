"""Units of sigmoid and tanh layers that sit at the end of their range, where their slope is 0."""

from collections.abc import Iterator, Sequence

from otel_mldebug.rules.detectors.layers.graph import hidden, samples
from otel_mldebug.rules.detectors.layers.reading import progress
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Operation
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

HIDDEN = 0.9
"""Share of saturated elements of a hidden layer. Source: SageMaker Debugger's TanhSaturation fires at 0.5; gates and
binary codes reach that on purpose, so the loss has to be stuck as well."""
OUTPUT = 0.98
"""The same at the output, where confident classifiers are saturated on purpose."""
WHOLE, AT_ONCE, WHOLE_STEPS = 0.98, 32, 150
"""Share from which a hidden layer passes on nothing but signs, and hardly any gradient; if it has been like that since
this step or before, and so many steps later the loss has come to rest, it matters however far that has fallen."""
REST = 0.97
"""Latest loss over that of the steps before, from which a loss has come to rest."""
LOOKS = 3
STEPS = 20
"""Looks in a row, and steps since the first known loss, that are needed."""
UNITS = 4
SAMPLES = 8

_KINDS = ("Sigmoid", "Tanh")


def saturated_units(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Finding | None:
    """Fire when almost all of a sigmoid or tanh layer is saturated in the latest looks, and the loss does not fall.

    Or when all of a hidden one is from the start, and the loss has come to rest.

    Softmax is left out: sharp attention and sure classifiers are what training aims at.

    Args:
        looks: Of one optimizer, oldest first.
        steps: Its latest ones.
    """
    known = progress(looks, steps)
    resting = known.steps >= WHOLE_STEPS and (known.recent or 0.0) >= REST
    if len(looks) < LOOKS or known.steps < STEPS or not (known.stuck or resting):
        return None
    for at, (operation, inside) in enumerate(_activations(looks[-1])):
        if not known.stuck and not inside:
            continue
        limit = (HIDDEN if known.stuck else WHOLE) if inside else OUTPUT
        past = [(look, share) for look in looks if (share := _share(look, at, operation.layer)) is not None]
        if len(past) >= LOOKS and min(share for _, share in past[-LOOKS:]) >= limit:
            first = len(past) - 1
            while first > 0 and past[first - 1][1] >= limit:
                first -= 1
            if not known.stuck and past[first][0].step > AT_ONCE:
                continue
            return _finding(operation, past[-1][1], inside=inside, step=past[first][0].step, from_start=first == 0)
    return None


def _activations(look: Look) -> Iterator[tuple[Operation, bool]]:
    inside = hidden(look)
    for place, op in enumerate(look.operations):
        if op.kind in _KINDS and op.saturated is not None:
            yield op, place in inside


def _share(look: Look, at: int, layer: str) -> float | None:
    """Return the share of the same activation in another look; None where it is not there or too small to tell."""
    found = list(_activations(look))
    if at >= len(found) or found[at][0].layer != layer:
        return None
    operation, inside = found[at]
    few = operation.units < (UNITS if inside else 1)
    small = bool(operation.shape) and samples(operation.shape, operation.units) < SAMPLES
    return None if few or small else operation.saturated


def _finding(bad: Operation, share: float, *, inside: bool, step: int, from_start: bool) -> Finding:
    name = bad.layer or f"a {bad.kind.lower()} of the model"
    where = "Its output" if inside else "The output"
    return Finding(
        rule="activation.saturated",
        category=Category.MODEL,
        severity=Severity.WARNING,
        summary=f"{share:.0%} of what the {bad.kind.lower()} behind {name} gives is at the end of its range since step "
        f"{step}, and the loss does not fall.",
        cause=f"{where} is saturated: the slope there is almost 0, so hardly any gradient passes. "
        + (
            "It was so from the start: weights or inputs are too large."
            if from_start
            else "It came by training: steps were too large."
        ),
        solutions=(
            "Standardise the inputs (mean 0, standard deviation 1) and initialise with nn.init.xavier_uniform_."
            if from_start
            else "Lower the learning rate by a factor of 10, and clip gradients.",
            "Put a normalisation layer before the activation, or use ReLU or GELU in hidden layers.",
            "At the output, give raw logits to a loss that is made for them: binary_cross_entropy_with_logits.",
        ),
        prevention="Look at the share of saturated units in the first steps.",
        confidence=0.8 if inside else 0.7,
        basis="detector",
        evidence={
            "step": step,
            **({"layer": bad.layer} if bad.layer else {}),
            "saturated_share": round(share, 4),
            "activation": bad.kind,
            "units": bad.units,
        },
    )
