"""What activations say of units: those that are off for the whole batch, and those at the end of their range."""

from typing import TYPE_CHECKING, Any

from otel_mldebug.instrument.training.looks.sheet import Sheet

if TYPE_CHECKING:
    from otel_mldebug.instrument.training.looks.operations import Draft

LEAST_SAMPLES = 8
"""Values of one unit below which all of them may well be 0 by chance."""
MOST_ELEMENTS = 1 << 22
"""Elements of a tensor that are looked at for dead units; of larger ones every k-th sample."""
MOST_SATURATION = 1 << 15
"""The same for saturation."""
SIGMOID_END, TANH_END, SOFTMAX_END = 0.01, 0.99, 0.99
"""A sigmoid this near to 0 or 1, a tanh this far from 0, a row of a softmax with one value so large: hardly any slope.

Source: the slope of a sigmoid is s(1 - s), of a tanh 1 - t²: below 0.01 and 0.02 there, of 0.25 and 1 at most.
"""
_CUT_AT_ZERO = {"Hardtanh": "min_val", "ClampMin": "min", "Clamp": "min", "Threshold": "threshold"}


class Units:
    """Fills in `units`, `dead` and `saturated` of operations.

    Args:
        torch: The module.
        sheet: Gets the values.
    """

    def __init__(self, torch: Any, sheet: Sheet) -> None:
        self._torch = torch
        self._sheet = sheet

    def result(self, draft: "Draft", tensor: Any) -> None:
        """Look at what the operation put out."""
        if draft.kind == "Relu":
            self._dead(draft, tensor)
        elif draft.kind in ("Sigmoid", "Tanh", "Softmax") and tensor.numel() and tensor.is_floating_point():
            draft.units = _units(tensor)
            draft.saturated = self._sheet.scalar(self._saturated(draft, self._part(tensor, MOST_SATURATION)))

    def operand(self, draft: "Draft", tensor: Any) -> None:
        """Look at what it took, where that tells as much."""
        limit = _CUT_AT_ZERO.get(draft.kind)
        if limit is not None and draft.settings.get(limit) == 0:
            self._dead(draft, tensor)

    def _dead(self, draft: "Draft", tensor: Any) -> None:
        if tensor.dim() < 2 or not tensor.numel() or not tensor.is_floating_point():
            return
        draft.units = _units(tensor)
        unit = 1 if tensor.dim() >= 4 else tensor.dim() - 1
        if tensor.numel() // draft.units < LEAST_SAMPLES:
            return
        part = self._part(tensor, MOST_ELEMENTS)
        highest = part.amax([d for d in range(part.dim()) if d != unit])
        draft.dead = self._sheet.scalar((highest <= 0).to(self._torch.float32).mean())

    def _part(self, tensor: Any, most: int) -> Any:
        """Return every k-th sample, so that no more than about `most` elements are left."""
        return tensor[:: -(-tensor.numel() // most)] if tensor.dim() and tensor.numel() > most else tensor

    def _saturated(self, draft: "Draft", tensor: Any) -> Any:
        if draft.kind == "Sigmoid":
            ends = (tensor - 0.5).abs() > 0.5 - SIGMOID_END
        elif draft.kind == "Tanh":
            ends = tensor.abs() > TANH_END
        else:
            dim = draft.settings.get("dim")
            ends = tensor.amax(dim if isinstance(dim, int) else -1) > SOFTMAX_END
        return ends.to(self._torch.float32).mean()


def _units(tensor: Any) -> int:
    if not tensor.dim():
        return 1
    return int(tensor.shape[1 if tensor.dim() >= 4 else -1])
