"""Statistics of one tensor, all of its elements: the same numbers as those of the looks into steps."""

from typing import Any

from otel_mldebug.instrument.training.looks.rows import rows
from otel_mldebug.instrument.training.looks.tensors import Flattener
from otel_mldebug.rules.looks import Stats


def stats(torch: Any, tensor: Any) -> Stats | None:
    """Return what the elements of `tensor` are like; None for those that are not numbers. Waits for its device.

    Args:
        torch: The module.
        tensor: A dense one whose elements can be read.
    """
    size = tensor.numel()
    if not size or not (tensor.is_floating_point() or tensor.dtype in (torch.int32, torch.int64)):
        return None
    kind = tensor.dtype
    tiny = torch.finfo(kind).tiny if kind in (torch.float16, torch.bfloat16, torch.float32, torch.float64) else 0.0
    with torch.no_grad():
        flat = Flattener(torch).sample(tensor.detach(), size)
        row = rows(torch, flat.reshape(1, -1), tiny, direct=True, digest=False)[0].tolist()
    norm, mean, std, low, high, zero, nonfinite, small = row[:8]
    return Stats(
        size=size, norm=norm, mean=mean, std=std, low=low, high=high, zero=zero, nonfinite=nonfinite, tiny=small
    )
