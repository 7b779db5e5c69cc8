"""What several detectors read off looks: the weights that matter, in depth order, and how the loss gets on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.once import once
from otel_mldebug.rules.looks import Look, Parameter
from otel_mldebug.rules.steps import StepRecord

_FIRST, _LATEST = 5, 20
"""Losses that are the first ones, and those that are the latest ones: a batch alone is noise."""
_BLOWN = 3.0
"""How much larger the first losses are than the very first one, if the first steps have blown it up."""
_GATES = {"LSTM": (4,), "LSTMCell": (4,), "GRU": (3,), "GRUCell": (3,), "RNN": (1,), "RNNCell": (1,)}
"""Rows of a recurrent weight for each hidden unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far training has come.

    Attributes:
        steps: Steps between the first loss that is known and the latest one, 0 or more.
        left: Latest loss over the first one: 1 when nothing was learned. None when a loss is below 0 (policy
            gradients, critics) or other optimizers play against this one, since its size says nothing, and when there
            are too few.
        recent: Latest loss over that of the steps before, so 1 on a plateau; None like `left`.
    """

    steps: int = 0
    left: float | None = None
    recent: float | None = None

    @property
    def stuck(self) -> bool:
        """Whether the loss is known, has hardly fallen, and does not fall now either."""
        return self.left is not None and self.recent is not None and self.left > 0.8 and self.recent > 0.95


@once
def progress(looks: Sequence[Look], steps: Sequence[StepRecord]) -> Progress:
    """Return how the loss has developed over the steps and the looks before them."""
    known = {look.step: look.loss for look in looks if look.loss is not None and math.isfinite(look.loss)}
    early, shared = (steps.early, steps.shared) if isinstance(steps, Course) else ([], False)
    known |= {r.index: r.loss for r in (*early, *steps) if r.loss is not None and math.isfinite(r.loss)}
    if not known:
        return Progress()
    ordered = sorted(known)
    span = ordered[-1] - ordered[0]
    losses = [known[step] for step in ordered]
    if len(losses) < 2 or min(losses) < 0 or shared:
        return Progress(steps=span)
    first = median(losses[: min(_FIRST, max(1, len(losses) // 2))])
    first = losses[0] if first > _BLOWN * losses[0] else first
    latest = median(losses[-min(_LATEST, max(1, len(losses) // 2)) :])
    middle = median(losses[len(losses) // 3 : -_LATEST] or losses[: len(losses) // 2])
    if not first > 0 or not middle > 0:
        return Progress(steps=span)
    return Progress(steps=span, left=latest / first, recent=latest / middle)


def trend(steps: Sequence[StepRecord]) -> float | None:
    """Return the mean loss of the latest quarter of all steps over that of the second one; None when not known."""
    course = Course.of(steps)
    span = course.steps
    known = [(s.first - course.early[0].index, s.loss) for s in course.stretches if s.loss is not None]
    before = [loss for first, loss in known if span <= 4 * first < 2 * span]
    latest = [loss for first, loss in known if 4 * first >= 3 * span]
    return fmean(latest) / fmean(before) if before and latest and fmean(before) > 0 else None


def mixes(parameter: Parameter) -> bool:
    """Return whether it is the weight of a layer that mixes its inputs: a matrix or a kernel, not a table of rows."""
    return (
        len(parameter.shape) >= 2
        and not any(kind in parameter.module for kind in ("Embedding", "Norm"))
        and min(parameter.shape[0], math.prod(parameter.shape[1:])) >= 1
    )


def matrices(look: Look) -> list[Parameter]:
    """Return the trainable weights that mix their inputs, in forward order."""
    return [p for p in look.parameters if p.trainable and mixes(p)]


def fan_in(parameter: Parameter) -> int:
    """Return how many inputs a unit sums up, 1 or more.

    Transposed convolutions keep their inputs first; how many kernel elements meet in one output depends on the stride.
    """
    if "ConvTranspose" in parameter.module:
        return max(1, parameter.shape[0])
    return max(1, math.prod(parameter.shape[1:]))


def fresh(parameter: Parameter) -> bool:
    """Return whether the weight still is as it was drawn, so nothing has trained it: uniform, up to a usual bound.

    Any training moves some of the elements near the bound across it. Weights drawn otherwise cannot be told.

    Source: torch.nn.Linear and Conv2d (1/sqrt(fan_in)), LSTM and GRU (1/sqrt(hidden)), torch.nn.init.xavier_uniform_,
    kaiming_uniform_.
    """
    stats = parameter.weight
    if stats is None or not mixes(parameter) or stats.size < 32 or not stats.std > 0:
        return False
    ins, outs = fan_in(parameter), parameter.shape[0] * math.prod(parameter.shape[2:])
    bounds = [1 / math.sqrt(ins), math.sqrt(6 / (ins + outs)), math.sqrt(6 / ins)]
    bounds += [math.sqrt(gates / parameter.shape[0]) for gates in _GATES.get(parameter.module, ())]
    near = 0.75 if stats.size < 256 else 0.95
    return any(
        near * bound <= stats.high <= 1.0001 * bound
        and near * bound <= -stats.low <= 1.0001 * bound
        and 0.85 < stats.std * math.sqrt(3) / bound < 1.15
        for bound in bounds
    )


def fits(before: Parameter, after: Parameter) -> bool:
    """Return whether `after` can take what the layer of `before` makes, images flattened."""
    gates = _GATES.get(before.module, (1,))[0]
    made = before.shape[1] if "ConvTranspose" in before.module else before.shape[0] // gates
    return made > 1 and fan_in(after) % made == 0


def own_name(parameter: Parameter) -> str:
    """Return what people call it: its layer if it belongs to one."""
    return parameter.layer or parameter.name


def listed(names: Sequence[str], most: int = 4) -> str:
    """Return `a, b, c and 5 more`."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def layers_of(parameters: Sequence[Parameter]) -> list[str]:
    """Return the layers that they belong to, each once, in order."""
    return list(dict.fromkeys(own_name(p) for p in parameters))
