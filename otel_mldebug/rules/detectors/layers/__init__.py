"""Detectors that judge how weights, gradients and activations of single layers develop from look to look."""

from collections.abc import Mapping

from otel_mldebug.rules.detectors.signature import LookDetector

DETECTORS: tuple[LookDetector, ...] = ()
"""In order of importance: of a family, the first one that fires is the one that is reported."""

FAMILIES: Mapping[str, str] = {}
"""What a rule is one symptom of, by rule; those that are left out are a family of their own."""
