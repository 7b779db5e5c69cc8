"""Two forward passes side by side: where do they begin to differ?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from otel_mldebug.checks.failed import ForwardPassesDiffer
from otel_mldebug.checks.inputs import call, mapped, untouched
from otel_mldebug.instrument.training.debugging.hooks import Hook, compiled
from otel_mldebug.instrument.training.debugging.tables import table
from otel_mldebug.instrument.training.debugging.tensors import each
from otel_mldebug.instrument.training.tensors.layers import plain

TOLERANCES = {"float64": 1e-7, "float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""Difference, as a share of a layer's largest output, that rounding explains, by the coarser of two types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The outputs of one layer in both passes.

    Attributes:
        layer: Qualified name; the class for the model itself.
        call: Which of its calls, from 0.
        largest: Largest absolute difference of two elements; infinite where shapes or non-finite elements differ.
        share: The same over the largest absolute element of the first pass.
        tolerance: Share that is allowed.
        types: Types of both: `float32`, or `float32 / bfloat16`.
    """

    layer: str
    call: int
    largest: float
    share: float
    tolerance: float
    types: str

    @property
    def agrees(self) -> bool:
        """Whether it is within its tolerance."""
        return self.share <= self.tolerance


@dataclass(frozen=True, slots=True)
class Comparison:
    """All layers of both passes, in the order in which they ended. `str` gives a table.

    Attributes:
        rows: One for each call of a layer that both have.
        whole: Whether only outputs of the models themselves could be compared, since one is compiled.
    """

    rows: Sequence[Difference]
    whole: bool = False

    @property
    def first(self) -> Difference | None:
        """The first one that differs by more than its tolerance: what comes later only passes it on."""
        return next((row for row in self.rows if not row.agrees), None)

    @override
    def __str__(self) -> str:
        head = ("layer", "call", "largest", "share", "allowed", "types", "")
        rows = [
            (r.layer, str(r.call), f"{r.largest:.3g}", f"{r.share:.3g}", f"{r.tolerance:.3g}", r.types,
             "" if r.agrees else "differs")
            for r in self.rows
        ]  # fmt: skip
        note = ["Only whole outputs are compared: the inside of a compiled model is not seen."] if self.whole else []
        return "\n".join([*note, table(head, rows)])


def compare_forward(a: Any, b: Any, *inputs: Any, tolerance: float | None = None, **named_inputs: Any) -> Comparison:
    """Run two models of the same layers on the same inputs, in evaluation mode, and compare every layer's output.

    For float32 against bfloat16, CPU against CUDA, eager against compiled, before against after a change of code. Each
    gets the inputs on its own device and in its own floating-point type. Both are as before afterwards.

    Args:
        a: A module of PyTorch.
        b: Another one; layers are matched by name.
        inputs: What both are called with.
        tolerance: Share of a layer's largest output by which it may differ; by default what the types explain.
        named_inputs: The same, by name.
    """
    import torch

    whole = compiled(a) or compiled(b)
    with untouched(torch, a, b, training=False), torch.no_grad():
        root = type(getattr(a, "_orig_mod", a)).__name__
        first = _outputs(torch, a, (inputs, named_inputs), root, whole)
        second = _outputs(torch, b, (inputs, named_inputs), root, whole)
    rows = [_difference(torch, key, first[key], second[key], tolerance) for key in first if key in second]
    return Comparison(tuple(rows), whole)


def forward_passes_agree(a: Any, b: Any, *inputs: Any, tolerance: float | None = None, **named_inputs: Any) -> None:
    """Check that two models agree, layer by layer; the arguments are those of `compare_forward`.

    Raises:
        ForwardPassesDiffer: they do not; the message names the first layer and shows all.
    """
    found = compare_forward(a, b, *inputs, tolerance=tolerance, **named_inputs)
    if not found.rows:
        raise ForwardPassesDiffer(
            "The two have no layer in common that puts out a tensor: there is nothing to compare."
        )
    if (first := found.first) is not None:
        raise ForwardPassesDiffer(
            f"The outputs differ from {first.layer} on: by {first.share:.3g} of its largest output, "
            f"{first.tolerance:.3g} is allowed.\n{found}"
        )


def _outputs(torch: Any, model: Any, inputs: Any, root: str, whole: bool) -> dict[tuple[str, int], Any]:
    """Return the first output of every call of every layer, by its name and the number of the call."""
    found: dict[tuple[str, int], Any] = {}
    calls: dict[str, int] = {}

    def keep(name: str, output: Any) -> None:
        for _, tensor in each(torch, output, "output"):
            found[name, calls.setdefault(name, 0)] = tensor.detach().clone()
            calls[name] += 1
            break

    def hook(name: str) -> Hook:
        return Hook(torch, lambda _, __, output: keep(name, output), "compare a forward pass")

    modules = [] if whole else [(plain(name), module) for name, module in model.named_modules() if name]
    handles = [module.register_forward_hook(hook(name)) for name, module in modules]
    try:
        torch.manual_seed(0)
        args, kwargs = _fitting(torch, model, inputs)
        keep(root, call(lambda *a: model(*a, **kwargs), args))
    finally:
        for handle in handles:
            handle.remove()
    return found


def _fitting(torch: Any, model: Any, inputs: Any) -> Any:
    first = next((p for p in model.parameters() if p.is_floating_point()), None)
    if first is None:
        return inputs
    return mapped(
        torch, inputs, lambda t: t.to(first.device, first.dtype) if t.is_floating_point() else t.to(first.device)
    )


def _difference(torch: Any, key: tuple[str, int], a: Any, b: Any, tolerance: float | None) -> Difference:
    kinds = [str(t.dtype).rpartition(".")[2] for t in (a, b)]
    allowed = max(TOLERANCES.get(kind, 0.0) for kind in kinds) if tolerance is None else tolerance
    largest = share = float("inf")
    if a.shape == b.shape:
        x, y = (_plain(torch, t) for t in (a, b))
        same = (x == y) | (torch.isnan(x) & torch.isnan(y))
        gaps = torch.where(same, 0.0, (x - y).abs()).nan_to_num(nan=float("inf"), posinf=float("inf"))
        largest = float(gaps.max()) if gaps.numel() else 0.0
        finite = x[torch.isfinite(x)].abs()
        scale = float(finite.max()) if finite.numel() else 0.0
        share = largest / scale if scale else (float("inf") if largest else 0.0)
    return Difference(
        layer=key[0], call=key[1], largest=largest, share=share, tolerance=allowed,
        types=kinds[0] if kinds[0] == kinds[1] else " / ".join(kinds),
    )  # fmt: skip


def _plain(torch: Any, tensor: Any) -> Any:
    dense = tensor.to_dense() if tensor.layout is not torch.strided or tensor.is_quantized else tensor
    dense = torch.view_as_real(dense.resolve_conj()) if dense.is_complex() else dense
    return dense.detach().cpu().double()
