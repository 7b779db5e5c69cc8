"""Detectors: pure functions from a window of steps of one optimizer to at most one finding."""

from collections.abc import Callable, Sequence

from otel_mldebug.rules.detectors.explosion import exploding_gradients, loss_explosion
from otel_mldebug.rules.detectors.input_bound import input_bound
from otel_mldebug.rules.detectors.nonfinite import nonfinite_gradient, nonfinite_loss
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord

Detector = Callable[[Sequence[StepRecord]], Finding | None]

DETECTORS: tuple[Detector, ...] = (nonfinite_loss, nonfinite_gradient, loss_explosion, exploding_gradients, input_bound)
"""In order of importance: of a family, the first one that fires is the one that is reported."""

_FAMILIES = {
    "loss.nonfinite": "nonfinite",
    "gradient.nonfinite": "nonfinite",
    "loss.explosion": "explosion",
    "gradient.explosion": "explosion",
}


def family(rule: str) -> str:
    """Return what `rule` is one symptom of: while one rule of a family fires, the others have nothing to add."""
    return _FAMILIES.get(rule, rule)
