"""Whether a tensor is finite, and if not, how."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_DEPTH = 4
MASKED = 0.05
"""Share of -inf in a mask that has biases as well, such as ALiBi's; the logarithm of a 0 is rare among numbers."""
_MOST = 64
"""Tensors of one batch that are looked at."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with a tensor.

    Attributes:
        nan: Number of NaN.
        above: Number of +inf.
        below: Number of -inf, which masks hold on purpose.
        size: Number of all elements.
        low: Smallest finite element.
        high: Largest finite element.
        format: Element type, such as `float16`.
    """

    nan: int
    above: int
    below: int
    size: int
    low: float
    high: float
    format: str

    @property
    def mask_like(self) -> bool:
        """Return whether it could be a mask: nothing worse than -inf, beside a single number or many biases below 0."""
        if self.nan or self.above:
            return False
        return self.low == self.high or (self.high <= 0 and self.below >= MASKED * self.size)


def damage(torch: Any, tensor: Any) -> Damage | None:
    """Return what is wrong with `tensor`; None when it is finite or cannot be looked at. Waits for its device."""
    tensor = local(torch, tensor)
    if tensor is None or not tensor.numel():
        return None
    with torch.no_grad():
        tensor = tensor.detach()
        finite = torch.isfinite(tensor)
        if bool(finite.all()):
            return None
        good = tensor[finite]
        some = good.numel() > 0 and not tensor.is_complex()
        return Damage(
            nan=int(torch.isnan(tensor).sum()),
            above=0 if tensor.is_complex() else int(torch.isposinf(tensor).sum()),
            below=0 if tensor.is_complex() else int(torch.isneginf(tensor).sum()),
            size=tensor.numel(),
            low=float(good.min()) if some else 0.0,
            high=float(good.max()) if some else 0.0,
            format=str(tensor.dtype).rpartition(".")[2],
        )


def local(torch: Any, tensor: Any) -> Any:
    """Return the dense local floating-point part of a tensor: no collective, no copy; None when there is none."""
    shard = getattr(tensor, "_local_tensor", None)
    if shard is not None:
        tensor = shard
    if tensor.is_sparse:
        tensor = tensor._values()
    if tensor.layout is not torch.strided or tensor.is_meta or tensor.is_quantized or tensor.is_nested:
        return None
    return tensor if tensor.is_floating_point() or tensor.is_complex() else None


def tensors_of(torch: Any, batch: Any, name: str = "batch", depth: int = _DEPTH) -> Iterator[tuple[str, Any]]:
    """Yield the tensors of a batch with their place in it, such as `batch[0]` or `batch['image']`."""
    if isinstance(batch, torch.Tensor):
        yield name, batch
    elif depth and isinstance(batch, dict):
        for key, value in list(batch.items())[:_MOST]:
            yield from tensors_of(torch, value, f"{name}[{key!r}]", depth - 1)
    elif depth and isinstance(batch, (list, tuple)):
        for place, value in enumerate(batch[:_MOST]):
            yield from tensors_of(torch, value, f"{name}[{place}]", depth - 1)
    elif depth and hasattr(batch, "__dict__"):
        for key, value in list(vars(batch).items())[:_MOST]:
            yield from tensors_of(torch, value, f"{name}.{key}", depth - 1)
