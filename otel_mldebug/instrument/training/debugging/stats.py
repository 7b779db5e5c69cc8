"""Statistics of one tensor."""

import math
from typing import Any

from otel_mldebug.rules.looks import Stats


def stats(torch: Any, tensor: Any) -> Stats | None:
    """Return what the elements of `tensor` are like; None for those that are not numbers. Waits for its device."""
    if not tensor.numel() or not (tensor.is_floating_point() or tensor.dtype in (torch.int32, torch.int64)):
        return None
    with torch.no_grad():
        values = tensor.detach().double().reshape(-1)
        finite = values[torch.isfinite(values)]
        size = values.numel()
        if not finite.numel():
            return Stats(size=size, norm=0.0, mean=0.0, std=0.0, low=0.0, high=0.0, nonfinite=1.0)
        low, high = torch.aminmax(finite)
        return Stats(
            size=size, norm=float(finite.norm()), mean=float(finite.mean()), std=float(finite.std(correction=0)),
            low=float(low), high=float(high), zero=float((values == 0).double().mean()),
            nonfinite=1.0 - finite.numel() / size if math.isfinite(size) else 0.0,
        )  # fmt: skip
