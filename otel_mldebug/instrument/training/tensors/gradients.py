"""Gradient norms: one fused call over the gradients that an optimizer is about to use."""

import math
from typing import Any


class Gradients:
    """Reads the gradients of one optimizer.

    Args:
        torch: The module.
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._norms = torch._foreach_norm
        self._half = (torch.float16, torch.bfloat16)

    def collect(self, optimizer: Any) -> tuple[list[Any], list[Any]]:
        """Return the parameters that have a gradient, in order, and the local dense part of their gradients."""
        parameters, gradients = [], []
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is not None:
                    parameters.append(parameter)
                    gradients.append(gradient)
        return self.usable(parameters, gradients)

    def usable(self, parameters: list[Any], gradients: list[Any]) -> tuple[list[Any], list[Any]]:
        """Return what norms can be taken of: shards and values of sparse gradients as they are, no meta tensors."""
        plain = self._torch.Tensor
        strided = self._torch.strided
        kept_parameters, kept = [], []
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if type(gradient) is not plain or gradient.layout is not strided:
                gradient = getattr(gradient, "_local_tensor", gradient)
                if gradient.is_sparse:
                    gradient = gradient._values()
            if gradient.is_meta or gradient.layout is not strided or not gradient.numel():
                continue
            kept_parameters.append(parameter)
            kept.append(gradient)
        return kept_parameters, kept

    @staticmethod
    def local(parameters: list[Any]) -> list[Any]:
        """Return the local shards of parameters, detached."""
        return [getattr(parameter, "_local_tensor", parameter).detach() for parameter in parameters]

    def vector(self, gradients: list[Any]) -> list[Any]:
        """Return one norm, a tensor without dimensions, for each gradient. Launches kernels and waits for none."""
        if any(g.dtype in self._half for g in gradients):  # the norm of float16 gradients overflows in float16
            return list(self._norms(gradients, 2, self._torch.float32))
        return list(self._norms(gradients))

    def read(self, gradients: list[Any]) -> list[float]:
        """Return the norms of gradients that live on the CPU. Finite gradients have a finite norm, however large."""
        norms: list[float] = self._torch.stack(self.vector(gradients)).tolist()
        for place, norm in enumerate(norms):
            if norm == math.inf:  # maybe only the sum of the squares was
                norms[place] = self._torch.linalg.vector_norm(gradients[place].double()).item()
        return norms


def total(norms: list[float]) -> float:
    """Return the norm of all gradients from those of each; NaN if any is NaN."""
    found = math.hypot(*norms)
    return math.nan if math.isinf(found) and any(map(math.isnan, norms)) else found
