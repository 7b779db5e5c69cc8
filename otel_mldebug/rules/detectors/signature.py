"""What detectors take and return."""

from collections.abc import Callable, Sequence

from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord

Detector = Callable[[Sequence[StepRecord]], Finding | None]
"""Judges the latest steps of one optimizer, oldest first. `evidence["layer"]`, if any, is the layer of the finding."""

LookDetector = Callable[[Sequence[Look], Sequence[StepRecord]], Finding | None]
"""Judges the looks into steps of one optimizer and its latest steps, both oldest first, with at least one look."""
