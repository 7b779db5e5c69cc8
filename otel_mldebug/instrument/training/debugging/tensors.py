"""Tensors that pass through a model, as plain numbers."""

from collections.abc import Iterator
from typing import Any

from otel_mldebug.instrument.training.tensors.health import damage, local, tensors_of
from otel_mldebug.rules.contracts import Seen

MOST = 16
"""Tensors of one input or output that are looked at."""


def usable(torch: Any) -> bool:
    """Return whether tensors can be looked at now: no graph is captured or traced, and they are no stand-ins."""
    if torch._C._len_torch_dispatch_stack() or torch._C._get_tracing_state() is not None:
        return False
    return not (torch.cuda.is_available() and torch.cuda.is_current_stream_capturing())


def readable(torch: Any, tensor: Any) -> bool:
    """Return whether the elements of `tensor` can be read: it is none of functorch's, and not on `meta`."""
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor
    return not tensor.is_meta and not wrapped(tensor)


def seen(torch: Any, tensor: Any, place: str) -> Seen:
    """Return what `tensor` is like. Waits for its device; elements that cannot be read are left out."""
    shape, dtype = tuple(tensor.shape), str(tensor.dtype).rpartition(".")[2]
    dense = local(torch, tensor) if readable(torch, tensor) else None
    harm = damage(torch, tensor) if dense is not None else None
    if harm is not None:
        found = harm.nan + harm.above + harm.below < harm.size
        return Seen(
            place=place, shape=shape, dtype=dtype, low=harm.low if found else None, high=harm.high if found else None,
            nan=harm.nan, infinite=0 if harm.mask_like else harm.above + harm.below,
        )  # fmt: skip
    low, high = _range(torch, tensor if dense is None else dense)
    return Seen(place=place, shape=shape, dtype=dtype, low=low, high=high)


def _range(torch: Any, tensor: Any) -> tuple[float | None, float | None]:
    odd = tensor.is_complex() or tensor.is_quantized or tensor.is_nested or tensor.dtype is torch.bool
    if odd or tensor.layout is not torch.strided or not readable(torch, tensor) or not tensor.numel():
        return None, None
    with torch.no_grad():
        low, high = torch.aminmax(tensor.detach())
        return float(low), float(high)


def each(torch: Any, value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the tensors of arguments or outputs with their place, at most `MOST` of them; one alone is just `name`."""
    if isinstance(value, (tuple, list)) and len(value) == 1:
        value = value[0]
    for number, found in enumerate(tensors_of(torch, value, name)):
        if number == MOST:
            return
        yield found
