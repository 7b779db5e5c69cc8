"""Detectors that judge curves: loss, gradient norm, learning rate, times and memory of many steps."""

from collections.abc import Mapping

from otel_mldebug.rules.detectors.signature import Detector

DETECTORS: tuple[Detector, ...] = ()
"""In order of importance: of a family, the first one that fires is the one that is reported."""

FAMILIES: Mapping[str, str] = {}
"""What a rule is one symptom of, by rule; those that are left out are a family of their own."""
