"""Detectors: pure functions from what was seen of one optimizer's steps to at most one finding."""

from otel_mldebug.rules.detectors import curves, layers, statics
from otel_mldebug.rules.detectors.explosion import exploding_gradients, loss_explosion
from otel_mldebug.rules.detectors.growing import growing_tensor
from otel_mldebug.rules.detectors.input_bound import input_bound
from otel_mldebug.rules.detectors.input_bursts import input_bursts
from otel_mldebug.rules.detectors.nonfinite import nonfinite_gradient, nonfinite_loss
from otel_mldebug.rules.detectors.signature import Detector, LookDetector
from otel_mldebug.rules.detectors.slowing import slowing_steps
from otel_mldebug.rules.detectors.unbounded import unbounded_loss
from otel_mldebug.rules.detectors.worse import worse_than_guessing

__all__ = ["DETECTORS", "LAST_DETECTORS", "LOOK_DETECTORS", "Detector", "LookDetector", "family"]

DETECTORS: tuple[Detector, ...] = (
    nonfinite_loss,
    nonfinite_gradient,
    loss_explosion,
    exploding_gradients,
    unbounded_loss,
    *curves.DETECTORS,
    input_bound,
    input_bursts,
)
"""In order of importance: of a family, the first one that fires is the one that is reported."""

LOOK_DETECTORS: tuple[LookDetector, ...] = (
    *statics.DETECTORS,
    *layers.DETECTORS,
    worse_than_guessing,
    *curves.LOOK_DETECTORS,
    growing_tensor,
    slowing_steps,
)
"""The same for those that judge looks."""

LAST_DETECTORS: tuple[LookDetector, ...] = (*layers.LAST_DETECTORS, *curves.LAST_DETECTORS)
"""Those of them that judge once, when training is over."""

_FAMILIES = {
    "loss.nonfinite": "nonfinite",
    "gradient.nonfinite": "nonfinite",
    "loss.explosion": "explosion",
    "gradient.explosion": "explosion",
    "loss.unbounded": "output and loss",
    "timing.slowing": "memory.growing_tensor",
    **curves.FAMILIES,
    **layers.FAMILIES,
    **statics.FAMILIES,
}


def family(rule: str) -> str:
    """Return what `rule` is one symptom of: while one rule of a family fires, the others have nothing to add."""
    return _FAMILIES.get(rule, rule)
