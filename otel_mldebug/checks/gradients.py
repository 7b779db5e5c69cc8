"""Do gradients reach every parameter?"""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

from otel_mldebug.checks.failed import GradientsMissing
from otel_mldebug.checks.inputs import untouched
from otel_mldebug.instrument.training.tensors.health import local, tensors_of


def gradients_reach_every_parameter(
    model: Any,
    *inputs: Any,
    loss: Callable[[Any], Any] | Any | None = None,
    allow: Iterable[str] = (),
    allow_zero: bool = False,
    **named_inputs: Any,
) -> None:
    """Check that every trainable parameter gets a finite gradient that is not zero all over.

    Gradients, buffers, modes and random numbers are as before afterwards.

    Args:
        model: A module of PyTorch, in the mode in which it trains.
        inputs: What it is called with.
        loss: Makes a scalar of its output; or the scalar itself, if it has been called already. By default random
            weights times the output, so that every output counts.
        allow: Names of parameters that need none, `*` and `?` allowed: `"pooler.*"`.
        allow_zero: Gradients may be zero all over, as of layers behind one that starts at zero.
        named_inputs: What it is called with by name.

    Raises:
        GradientsMissing: some parameter has none; the message names all of them.
        ValueError: the loss is no scalar that depends on any parameter.
    """
    import torch

    names = [(name, p) for name, p in model.named_parameters() if p.requires_grad and not _allowed(name, allow)]
    if not names:
        raise GradientsMissing(f"{type(model).__name__} has no trainable parameter to check.")
    with untouched(torch, model), torch.enable_grad():
        if isinstance(loss, torch.Tensor):
            value = loss
        else:
            output = model(*inputs, **named_inputs)
            value = _projected(torch, output) if loss is None else loss(output)
        if not isinstance(value, torch.Tensor) or value.numel() != 1:
            raise ValueError(f"The loss has to be a tensor of one element, and is {_like(value)}.")
        if not value.requires_grad:
            raise GradientsMissing(
                f"The loss does not depend on any parameter of {type(model).__name__}: the graph is cut, as by "
                "detach(), .item(), torch.no_grad() or a new tensor made of values."
            )
        found = torch.autograd.grad(value, [p for _, p in names], allow_unused=True, retain_graph=True)
    faults = [
        f"  {name} {tuple(p.shape)}: {fault}"
        for (name, p), gradient in zip(names, found, strict=True)
        if (fault := _fault(torch, gradient, allow_zero))
    ]
    if faults:
        raise GradientsMissing(
            "\n".join([f"{len(faults)} of {len(names)} parameters of {type(model).__name__} do not learn:", *faults])
        )


def _allowed(name: str, allow: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in ([allow] if isinstance(allow, str) else allow))


def _projected(torch: Any, output: Any) -> Any:
    """Return one number that every output counts for; the weights are random, so that nothing cancels out."""
    generator = torch.Generator().manual_seed(0)
    total: Any = None
    for _, tensor in tensors_of(torch, output, "output"):
        if tensor.requires_grad:
            dense = tensor.to_dense() if tensor.is_sparse else tensor
            weights = torch.randn(dense.shape, generator=generator).to(dense.device, dense.dtype)
            part = (dense * weights).sum()
            part = part.abs() if part.is_complex() else part
            total = part if total is None else total + part
    return torch.zeros(()) if total is None else total


def _fault(torch: Any, gradient: Any, allow_zero: bool) -> str:
    if gradient is None:
        return "no gradient: the loss does not depend on it"
    dense = local(torch, gradient)
    if dense is None or not dense.numel():
        return ""
    bad = int((~torch.isfinite(dense)).sum())
    if bad:
        return f"{bad} of {dense.numel()} elements of its gradient are not finite"
    if not allow_zero and not bool((dense != 0).any()):
        return "its gradient is zero all over"
    return ""


def _like(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" if shape is None else f"one of shape {tuple(shape)}"
