"""What is in a batch, whatever it is made of: dicts, lists and tuples within each other."""

from typing import Any

_DEPTH = 4
_MOST = 16
"""Tensors of a batch that are looked at."""


def tensors(batch: Any) -> list[Any]:
    """Return the tensors of a batch, those of the outer levels first."""
    found: list[Any] = []
    left = [(batch, 0)]
    while left and len(found) < _MOST:
        thing, depth = left.pop(0)
        if isinstance(thing, (dict, list, tuple)):
            if depth < _DEPTH:
                left += [
                    (item, depth + 1) for item in list(thing.values() if isinstance(thing, dict) else thing)[:_MOST]
                ]
        elif hasattr(thing, "numel"):
            found.append(thing)
        elif depth < _DEPTH and hasattr(thing, "data") and isinstance(thing.data, dict):  # transformers' BatchEncoding
            left.append((thing.data, depth + 1))
    return found


def tokens(batch: Any) -> int:
    """Return the elements of the first two-dimensional tensor of 64-bit integers; 0 without one."""
    return next((int(t.numel()) for t in tensors(batch) if t.dim() == 2 and str(t.dtype) == "torch.int64"), 0)
