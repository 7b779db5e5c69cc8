"""Where a non-finite loss or gradient came from, told apart: a weight, the input, a forward or a backward operation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from typing_extensions import override

from otel_mldebug.rules.detectors.culprits import culprit
from otel_mldebug.rules.detectors.history import blame_rate, climb, diverged, growth, history, spell, times
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

GROWTH = 5.0
"""Loss or gradient norm that grew this much before the end makes divergence the likely cause."""
_MOST_NAMES = 8


class Kind(str, Enum):
    """What was non-finite first."""

    WEIGHT = "weight"
    INPUT = "input"
    FORWARD = "forward operation"
    BACKWARD = "backward operation"
    UNKNOWN = "unknown"

    @override
    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What was seen in the tensors when a loss or gradient norm was non-finite for the first time.

    Attributes:
        step: Number of the step.
        value: The loss or the gradient norm.
        kind: What was non-finite first.
        layer: Module or parameter where it began; empty when that could not be told.
        operation: Operation that made the first non-finite value, as autograd names it.
        after: Last layer in the forward pass that was still fine.
        before: First layer in the forward pass that got the non-finite value.
        place: Function, file and line of the operation, where the program's text tells.
        tensors: Bad parameters in forward order, or the places in the batch.
        num_bad: How many parameters (or gradients) are bad.
        num_all: Out of how many.
        details: Further numbers: shares, ranges, formats.
        certainty: 0..1.
        update: Whether the latest optimizer update is what made the weights bad.
        shared: Whether other optimizers step in between.
    """

    step: int
    value: float
    kind: Kind
    layer: str = ""
    operation: str = ""
    after: str = ""
    before: str = ""
    place: str = ""
    tensors: tuple[str, ...] = ()
    num_bad: int = 0
    num_all: int = 0
    details: Mapping[str, Value] = field(default_factory=dict)
    certainty: float = 0.9
    update: bool = False
    shared: bool = False

    @property
    def previous(self) -> str:
        """The step before, as part of a sentence: the one of the same optimizer, where several take turns."""
        return "its optimizer's step before" if self.shared else f"step {self.step - 1}"


def explain_loss(origin: Origin, window: Sequence[StepRecord]) -> Finding:
    """Explain a loss that is not finite."""
    return _finding(origin, window, rule="loss.nonfinite", category=Category.LOSS, what="loss")


def explain_gradient(origin: Origin, window: Sequence[StepRecord]) -> Finding:
    """Explain gradients that are not finite although the loss is."""
    return _finding(origin, window, rule="gradient.nonfinite", category=Category.GRADIENT, what="gradient norm")


def _finding(origin: Origin, window: Sequence[StepRecord], *, rule: str, category: Category, what: str) -> Finding:
    grown = growth(window, gradients=origin.operation != "Div")
    if getattr(window, "shared", False):
        origin = replace(origin, shared=True)
    where, cause, solutions, prevention = _TEXTS[origin.kind](origin, grown)
    up = climb(window) if origin.update or origin.kind in (Kind.FORWARD, Kind.BACKWARD, Kind.UNKNOWN) else None
    if up is not None:
        where += f"; the loss had been growing since step {up.first}"
        cause = diverged(up, window, cause)
        solutions = tuple(dict.fromkeys((_LOWER, _CLIP, _MEAN, *solutions)))
    if origin.kind is not Kind.INPUT:
        cause, solutions = blame_rate(window, cause, solutions)
    evidence: dict[str, Value] = {"kind": str(origin.kind), "step": origin.step}
    for key in ("layer", "operation", "after", "before", "place"):
        if value := getattr(origin, key):
            evidence[key] = value
    if origin.tensors:
        evidence["tensors"] = origin.tensors[:_MOST_NAMES]
    if origin.num_all:
        evidence["bad"], evidence["looked_at"] = origin.num_bad, origin.num_all
    if grown >= GROWTH:
        evidence["growth_before"] = round(grown, 1)
    if up is not None:
        evidence["growing_since_step"], evidence["growth_per_step"] = up.first, round(up.factor, 3)
    return Finding(
        rule=rule,
        category=category,
        severity=Severity.CRITICAL,
        summary=f"The {what} is {spell(origin.value)} at step {origin.step}: {where}.",
        cause=cause,
        solutions=solutions,
        prevention=prevention,
        confidence=origin.certainty,
        basis="detector",
        evidence={**evidence, **history(window), **origin.details},
    )


Texts = tuple[str, str, tuple[str, ...], str]
"""Where it began (for the summary), cause, solutions, prevention."""

_EPSILONS = "Keep epsilons in logarithms, roots and denominators, bound exponents, and clip gradients."
_ROWS = (
    "Look for samples in this step's batch that are constant, empty or all zero: their spread, norm or count is zero."
)
_CHECK = "Check the result there with torch.isfinite(x).all() in development."
_LOWER = "Lower the learning rate by a factor of 3 to 10, and warm it up over the first few hundred steps."
_CLIP = "Clip gradients before the step: torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)."
_MEAN = "Average the loss over the batch (reduction='mean'), and scale inputs and targets to about 1."


def _weight(origin: Origin, grown: float) -> Texts:
    named = origin.layer or f"{origin.num_bad} of {origin.num_all} parameters"
    if origin.update:
        return (
            f"{named} was not finite any more after the update of the step before",
            f"The update of {origin.previous} wrote non-finite weights; loss and gradients had "
            + (f"grown {times(grown)} before that." if grown >= GROWTH else "looked normal until then."),
            (
                _LOWER,
                _CLIP,
                "Check the optimizer's state and settings: an eps of 0, a restored state that is not finite, float16 "
                "weights updated in place.",
            ),
            "Clip gradients, and keep weights and optimizer state in float32.",
        )
    return (
        f"the weight {named} was not finite before the forward pass",
        "Something other than this forward pass wrote a non-finite value into the weights between two steps: an edit "
        "of the weights, a loaded checkpoint, an initialisation, or an optimizer state that is not finite.",
        (
            f"Look at what writes to {named} outside of the optimizer: manual edits, weight decay or EMA code, "
            "load_state_dict.",
            "Check the checkpoint it came from with torch.isfinite(t).all() for each tensor, and go back to the last "
            "good one.",
            _CLIP,
        ),
        "Check weights for non-finite values after loading and after manual edits.",
    )


def _input(origin: Origin, _: float) -> Texts:
    named = origin.layer or (origin.tensors[0] if origin.tensors else "the input")
    if origin.place:
        known = culprit(origin.operation)
        return (
            f"{named} already held non-finite values, most likely made by {origin.operation} in {origin.place}",
            f"The program prepares {named} there. {known.cause}",
            (known.solution, _ROWS, _CHECK),
            "Keep epsilons in denominators, roots and logarithms of what prepares data, too.",
        )
    return (
        f"{named} already held non-finite values",
        "The data that went into the model was not finite; weights were fine when the forward pass began.",
        (
            "Find the samples: check them with torch.isfinite in __getitem__ or the collate function, and drop or "
            "repair them.",
            "Check the preprocessing: division by a standard deviation of zero, logarithms of zero, missing values "
            "read as NaN.",
            "Skip a batch that is not finite instead of training on it: its gradients would make every weight NaN.",
        ),
        "Validate data once, before training, and assert torch.isfinite on batches in development.",
    )


def _forward(origin: Origin, grown: float) -> Texts:
    known = culprit(origin.operation)
    if not origin.operation and origin.before:
        return _unseen(origin)
    if not origin.operation:
        return (
            "an operation of the forward pass made the first non-finite value, from finite weights and input; which "
            "one could not be seen without waiting for the GPU",
            f"Training diverged: loss or gradient norm had grown {times(grown)} before."
            if grown >= GROWTH
            else known.cause,
            (
                _LOWER
                if grown >= GROWTH
                else "Run the step again from the last checkpoint on the CPU: there the operation is named.",
                _CLIP,
                "Use bfloat16 instead of float16 for mixed precision.",
            ),
            _EPSILONS,
        )
    name = "an operation of the compiled graph" if origin.operation == "CompiledFunction" else origin.operation
    place = _between(origin)
    if origin.place:
        made = f"made the first non-finite value, from finite weights and inputs, in {origin.place}"
        return f"{name} {place} {made}", known.cause, (known.solution, _ROWS, _CHECK), _EPSILONS
    solutions = (known.solution, _LOWER, _CLIP)
    cause = known.cause
    if grown >= GROWTH:
        solutions = (_LOWER, _CLIP, known.solution)
        cause = f"Training diverged: loss or gradient norm had grown {times(grown)} before it. {known.cause}"
    return (
        f"{name} {place} made the first non-finite value, from finite weights and inputs",
        cause,
        solutions,
        _EPSILONS,
    )


def _unseen(origin: Origin) -> Texts:
    """Return what is said of an operation on values without gradients: autograd knows nothing of it."""
    return (
        f"an operation {_between(origin)} made the first non-finite value, from finite weights and inputs",
        "An operation on values that need no gradient divided by zero, took the root of a negative number or the "
        "logarithm of zero: a normalisation by a spread or a sum that is zero, most often.",
        ("Add an epsilon to denominators and inside of roots and logarithms there, or clamp them.", _ROWS, _CHECK),
        _EPSILONS,
    )


def _backward(origin: Origin, grown: float) -> Texts:
    place = _between(origin)
    bad = f"the gradient of {origin.num_bad} of {origin.num_all} parameters non-finite"
    return (
        f"the backward pass of {origin.previous} {place} made {bad}, and its update wrote that into the weights"
        if origin.update
        else f"the loss is finite, but the backward pass {place} made {bad}",
        (f"Gradients had grown {times(grown)} before they overflowed." if grown >= GROWTH else "")
        or "An operation there has a finite value and no finite derivative: sqrt, norm or pow at zero, torch.where "
        "over an undefined branch, or a custom backward.",
        (
            "Add an epsilon inside of roots and norms: torch.sqrt(x + 1e-8), and clamp before log, div and pow, in "
            "both branches of a torch.where.",
            "Run this step with torch.autograd.set_detect_anomaly(True): it names the operation and its line.",
            "Clip gradients, and skip the step when their norm is not finite.",
        ),
        "Test derivatives at the edges of the domain (zero, equal points, empty rows).",
    )


def _unknown(origin: Origin, grown: float) -> Texts:
    taken = f"what went into {origin.before} was not finite: " if origin.before else ""
    return (
        f"{taken}where it began could not be told",
        f"Loss or gradient norm had grown {times(grown)} before: training diverged."
        if grown >= GROWTH
        else "A value overflowed, or an operation was undefined.",
        (
            _LOWER if grown >= GROWTH else "Check the batch of this step and the weights for non-finite values.",
            _CLIP,
            "Run the step again from the last checkpoint with torch.autograd.set_detect_anomaly(True).",
        ),
        "Clip gradients, and guard logarithms, divisions and square roots with a small epsilon.",
    )


def _between(origin: Origin) -> str:
    if origin.layer and origin.layer not in (origin.after, origin.before):
        return f"in {origin.layer}"
    if origin.after and origin.before:
        return f"between {origin.after} and {origin.before}"
    if origin.after:
        return f"after {origin.after}"
    if origin.before:
        return f"before {origin.before}"
    return f"in {origin.layer}" if origin.layer else "at a place without parameters nearby"


_TEXTS = {
    Kind.WEIGHT: _weight,
    Kind.INPUT: _input,
    Kind.FORWARD: _forward,
    Kind.BACKWARD: _backward,
    Kind.UNKNOWN: _unknown,
}
