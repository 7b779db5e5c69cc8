"""Detectors that judge curves: loss, gradient norm, learning rate, times and memory of many steps."""

from collections.abc import Mapping

from otel_mldebug.rules.detectors.curves.latency import latency_spikes
from otel_mldebug.rules.detectors.curves.overfitting import overfitting
from otel_mldebug.rules.detectors.curves.passes import evaluation_in_training_mode, gradients_in_evaluation
from otel_mldebug.rules.detectors.curves.scaler import scaler_skips
from otel_mldebug.rules.detectors.curves.schedule import rate_collapsed
from otel_mldebug.rules.detectors.curves.spikes import loss_spike
from otel_mldebug.rules.detectors.signature import Detector

DETECTORS: tuple[Detector, ...] = (
    scaler_skips,
    loss_spike,
    rate_collapsed,
    evaluation_in_training_mode,
    overfitting,
    gradients_in_evaluation,
    latency_spikes,
)
"""In order of importance: of a family, the first one that fires is the one that is reported."""

FAMILIES: Mapping[str, str] = {"amp.steps_skipped": "nonfinite", "loss.spike": "explosion"}
"""What a rule is one symptom of, by rule; those that are left out are a family of their own."""
