"""From any tensor to a flat sample of its elements: bounded, and without a copy where possible."""

from math import gcd
from typing import Any

MOST_VIEWED = 4
"""A tensor that cannot be flattened without a copy is copied up to this many times the size of a sample."""


class Flattener:
    """Takes samples of tensors.

    Args:
        torch: The module.
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        nn = torch.nn.parameter
        self._plain = {torch.Tensor, nn.Parameter, getattr(nn, "Buffer", nn.Parameter)}
        self._floats = {torch.float32, torch.float64}
        self._whole = {torch.int64, torch.int32}

    def local(self, tensor: Any) -> Any:
        """Return the dense part of `tensor` that is here: the shard of a distributed one, the values of a sparse one.

        Returns:
            A plain strided tensor; None when there is none, or when asking for it would run somebody else's code.
        """
        if type(tensor) not in self._plain:
            tensor = getattr(tensor, "_local_tensor", None)
            if type(tensor) not in self._plain:
                return None
        if tensor.is_meta or tensor.is_quantized or tensor.is_nested:
            return None
        if tensor.is_sparse:
            tensor = tensor._values()
        if tensor.layout is not self._torch.strided:
            return None
        return tensor

    def sample(self, tensor: Any, most: int) -> Any:
        """Return at most `most` of the elements of a local tensor, evenly spread.

        float32 and float64 stay what they are; 32 and 64 bit integers become float64, all else float32; complex numbers
        become two each. Small tensors keep their shape, others have one dimension. The result may be a view.
        """
        torch = self._torch
        if tensor.dtype in self._floats and tensor.numel() <= most:
            return tensor
        if tensor.is_complex():
            tensor = torch.view_as_real(tensor.resolve_conj())
        flat = self._flat(tensor, most)
        size = flat.numel()
        if size > most:
            width = int(tensor.shape[-1]) if tensor.dim() else 1
            stride = -(-size // most)
            while gcd(stride, width) != 1:  # else only some of the columns would be seen
                stride += 1
            flat = flat[::stride]
        if flat.dtype in self._floats:
            return flat
        return flat.to(torch.float64 if flat.dtype in self._whole else torch.float32)

    def _flat(self, tensor: Any, most: int) -> Any:
        if tensor.is_contiguous():
            return tensor.view(-1)
        if tensor.dim() == 2 and tensor.t().is_contiguous():
            return tensor.t().view(-1)
        if tensor.dim() == 4 and tensor.is_contiguous(memory_format=self._torch.channels_last):
            return tensor.permute(0, 2, 3, 1).reshape(-1)
        while tensor.numel() > MOST_VIEWED * most:
            widest = max(range(tensor.dim()), key=lambda d: int(tensor.shape[d]))
            tensor = tensor[(slice(None),) * widest + (slice(None, None, 2),)]
        return tensor.reshape(-1)
