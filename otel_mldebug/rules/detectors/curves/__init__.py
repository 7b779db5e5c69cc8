"""Detectors that judge curves: loss, gradient norm, learning rate, times and memory of many steps."""

from collections.abc import Mapping

from otel_mldebug.rules.detectors.curves.aside import checkpoints, collecting
from otel_mldebug.rules.detectors.curves.cycles import rate_swings
from otel_mldebug.rules.detectors.curves.gpu import gpu_fragmentation, gpu_idle
from otel_mldebug.rules.detectors.curves.latency import latency_spikes
from otel_mldebug.rules.detectors.curves.memory import memory_growth
from otel_mldebug.rules.detectors.curves.outlying import outlying_samples
from otel_mldebug.rules.detectors.curves.overfitting import overfitting
from otel_mldebug.rules.detectors.curves.passes import (
    evaluation_in_training_mode,
    forced_in_evaluation,
    gradients_in_evaluation,
)
from otel_mldebug.rules.detectors.curves.plateau import plateau_at_chance, plateau_to_the_end
from otel_mldebug.rules.detectors.curves.recurring import recurring_spike
from otel_mldebug.rules.detectors.curves.rising import endless_warm_up
from otel_mldebug.rules.detectors.curves.scaler import clipped_while_scaled, scaler_skips
from otel_mldebug.rules.detectors.curves.schedule import rate_collapsed
from otel_mldebug.rules.detectors.curves.speed import rate_too_high, rate_too_low
from otel_mldebug.rules.detectors.curves.spikes import loss_spike
from otel_mldebug.rules.detectors.curves.swings import oscillation
from otel_mldebug.rules.detectors.curves.warmup import unfinished_warm_up, warm_up_once_a_pass
from otel_mldebug.rules.detectors.signature import Detector, LookDetector

DETECTORS: tuple[Detector, ...] = (
    endless_warm_up,
    scaler_skips,
    rate_collapsed,
    rate_swings,
    rate_too_high,
    clipped_while_scaled,
    rate_too_low,
    loss_spike,
    recurring_spike,
    outlying_samples,
    oscillation,
    evaluation_in_training_mode,
    forced_in_evaluation,
    overfitting,
    gradients_in_evaluation,
    memory_growth,
    latency_spikes,
    checkpoints,
    collecting,
    gpu_idle,
    gpu_fragmentation,
)
"""In order of importance: of a family, the first one that fires is the one that is reported."""

LOOK_DETECTORS: tuple[LookDetector, ...] = (plateau_at_chance,)
"""The same for those that need to know more of a step than its numbers."""

LAST_DETECTORS: tuple[LookDetector, ...] = (plateau_to_the_end, unfinished_warm_up, warm_up_once_a_pass)
"""Those that judge the whole course once more when it is over, also where looks were too dear to go on to the end."""

FAMILIES: Mapping[str, str] = {
    "amp.steps_skipped": "nonfinite",
    "loss.spike": "explosion",
    "learning_rate.too_high": "rate",
    "loss.oscillation": "explosion",
    "learning_rate.too_low": "signal",
    "learning_rate.warmup": "signal",
    "gradient.clipped_scaled": "signal",
    "timing.spikes": "delays",
    "timing.checkpoints": "delays",
    "timing.garbage_collection": "delays",
    "loss.plateau": "signal",
}
"""What a rule is one symptom of, by rule; those that are left out are a family of their own."""
