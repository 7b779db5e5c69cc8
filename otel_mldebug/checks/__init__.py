"""Checks of models and training loops, for your own tests.

Each returns quietly, or raises an `AssertionError` that says which parameter, layer or call is wrong.

    from otel_mldebug import checks

    def test_everything_learns():
        checks.gradients_reach_every_parameter(Net(), torch.randn(8, 4))

PyTorch is needed when one is called, not before.
"""

from otel_mldebug.checks.clipping import clipping_clips
from otel_mldebug.checks.comparing import Comparison, Difference, compare_forward, forward_passes_agree
from otel_mldebug.checks.failed import (
    CheckFailed,
    ClippingDoesNotClip,
    ForwardPassesDiffer,
    GradientsMissing,
    RunsDiffer,
    WrongOutputShape,
)
from otel_mldebug.checks.gradients import gradients_reach_every_parameter
from otel_mldebug.checks.runs import two_runs_agree
from otel_mldebug.checks.shapes import output_shapes

__all__ = [
    "CheckFailed",
    "ClippingDoesNotClip",
    "Comparison",
    "Difference",
    "ForwardPassesDiffer",
    "GradientsMissing",
    "RunsDiffer",
    "WrongOutputShape",
    "clipping_clips",
    "compare_forward",
    "forward_passes_agree",
    "gradients_reach_every_parameter",
    "output_shapes",
    "two_runs_agree",
]
