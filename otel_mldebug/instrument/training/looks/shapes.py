"""Shapes and types of what operations make.

A PyTorch whose graphs do not tell shapes (2.4) still shows what operations have saved of each other. What that does not
tell stays unknown, and rules that need it are silent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from otel_mldebug.instrument.training.tensors.graph import Node

Shape = tuple[int, ...]

_ALIKE = frozenset((
    "Relu", "Tanh", "Sigmoid", "Gelu", "Silu", "LeakyRelu", "Elu", "Softplus", "Hardtanh", "Hardswish", "Mish", "Exp",
    "Log", "Log1P", "Sqrt", "Pow", "Abs", "Neg", "Clamp", "ClampMin", "ClampMax", "Softmax", "LogSoftmax", "Clone",
    "ToCopy", "NativeDropout", "NativeLayerNorm", "NativeBatchNorm", "Rsqrt", "Sin", "Cos", "Erf", "Reciprocal",
    "LogSigmoid", "MaskedFill", "CudnnBatchNorm", "NativeGroupNorm",
))  # fmt: skip
"""Operations whose result has the shape of what they take first."""
_BROADCAST = frozenset(("Add", "Sub", "Mul", "Div", "Maximum", "Minimum", "Where", "Atan2"))


def shape_of(function: Any) -> Shape:
    """Return the shape of what an operation makes, as autograd tells it; empty when it does not."""
    try:
        metadata = function._input_metadata
        return tuple(map(int, metadata[0].shape)) if metadata else ()
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return ()


def cast_of(torch: Any, function: Any, leaf: Any) -> str:
    """Return the type that a weight was cast to, if that is half precision and its own is not."""
    try:
        kind = function._input_metadata[0].dtype
    except (AttributeError, RuntimeError, IndexError):
        return ""
    half = (torch.float16, torch.bfloat16)
    return str(kind).rpartition(".")[2] if kind in half and leaf is not None and leaf.dtype not in half else ""


def fill(drafts: Sequence[Any], nodes: Sequence[Node], kept: Mapping[int, int], last: Shape) -> None:
    """Set the shapes of drafts that have none, as far as they can be told.

    Args:
        drafts: Of the operations, in forward order, with the shapes of what they take.
        nodes: The graph.
        kept: Places of drafts by place of their node.
        last: Shape of what the whole graph makes.
    """
    places = {nodes[i].function: place for i, place in kept.items()}
    for i in kept:
        for producer, shape in _taken(nodes[i].function):
            place = places.get(producer)
            if place is not None and not drafts[place].shape:
                drafts[place].shape = shape
    for i, place in kept.items():
        draft = drafts[place]
        if draft.shape:
            continue
        if i == len(nodes) - 1:
            draft.shape = last
            continue
        inputs = [drafts[one].shape for one in draft.inputs]
        complete = len(inputs) == len(nodes[i].function.next_functions)
        draft.shape = _made(draft.kind, nodes[i].function, inputs, draft.operands, complete=complete) or ()


def _taken(function: Any) -> list[tuple[Any, Shape]]:
    """Return what an operation takes from which one, where it has kept the sizes."""
    below = [one for one, _ in function.next_functions]
    found = []
    for place, names in ((0, ("self", "input")), (1, ("mat1",)), (-1, ("mat2",))):
        for name in names:
            shape = _sizes(function, name)
            if shape and below and below[place] is not None and (name != "mat2" or len(below) > 1):
                found.append((below[place], shape))
    return found


def _sizes(function: Any, name: str) -> Shape:
    """Return the sizes that an operation has kept of one thing it takes."""
    for attribute in (f"_saved_{name}_sym_sizes", f"_saved_{name}_sizes"):
        sizes = getattr(function, attribute, None)
        if isinstance(sizes, tuple) and all(type(one) is int for one in sizes):
            return sizes
    return ()


def _made(
    kind: str, function: Any, inputs: Sequence[Shape], operands: Sequence[Shape], *, complete: bool
) -> Shape | None:
    """Return the shape of a result; None when it cannot be told. `complete`: all that it takes is in the graph."""
    if kind in _ALIKE:
        return inputs[0] if inputs else operands[0] if operands else None
    if kind in ("Addmm", "Mm", "Bmm"):
        first, second = _sizes(function, "mat1" if kind == "Addmm" else "self"), _sizes(function, "mat2")
        if not (first and second) and len(operands) == 2:
            first, second = operands
        return (*first[:-1], second[-1]) if first and second else None
    if kind in ("Sum", "Mean"):
        return _reduced(function, _sizes(function, "self") or (inputs[0] if inputs else ()))
    if kind in ("T", "Transpose") and inputs and len(inputs[0]) == 2:
        return inputs[0][::-1]
    if kind in _BROADCAST:
        shapes = [*inputs, *operands] if complete or operands else []
        return broadcast(shapes) if shapes and all(shapes) else None
    return None


def _reduced(function: Any, shape: Shape) -> Shape | None:
    dims = getattr(function, "_saved_dim", None)
    if not shape or not isinstance(dims, tuple):
        return None
    gone = {dim - (1 << 64) if dim >> 63 else dim for dim in dims}
    gone = {dim % len(shape) for dim in gone}
    if getattr(function, "_saved_keepdim", False):
        return tuple(1 if place in gone else size for place, size in enumerate(shape))
    return tuple(size for place, size in enumerate(shape) if place not in gone)


def broadcast(shapes: Sequence[Shape]) -> Shape | None:
    """Return the shape that tensors of these shapes have together; None if they do not fit."""
    made: list[int] = []
    for places in range(1, max(map(len, shapes)) + 1):
        sizes = {shape[-places] for shape in shapes if len(shape) >= places} - {1}
        if len(sizes) > 1:
            return None
        made.append(sizes.pop() if sizes else 1)
    return tuple(reversed(made))
