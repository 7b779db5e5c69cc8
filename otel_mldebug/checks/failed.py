"""What checks raise.

* AssertionError
  - CheckFailed
    + GradientsMissing       parameters that no gradient reaches
    + WrongOutputShape       an output has another shape, or a batch size fails
    + ClippingDoesNotClip    gradients reach the optimizer as they were, or too small
    + RunsDiffer             the same run gives two results
    + ForwardPassesDiffer    two models give two outputs
"""


class CheckFailed(AssertionError):  # noqa: N818  (reads as what it says in a test report)
    """A check found something. The message names what and where."""


class GradientsMissing(CheckFailed):
    """Some parameters get no gradient, or one that is of no use."""


class WrongOutputShape(CheckFailed):
    """An output has not the shape that was expected, for at least one batch size."""


class ClippingDoesNotClip(CheckFailed):
    """Gradients that should have been clipped reach the optimizer with another norm."""


class RunsDiffer(CheckFailed):
    """Two runs with the same seed give different results."""


class ForwardPassesDiffer(CheckFailed):
    """Two forward passes differ by more than their precision explains."""
