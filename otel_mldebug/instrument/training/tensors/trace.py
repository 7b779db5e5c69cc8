"""From a loss that is not finite back to what was not finite first: weight, input, or the output of an operation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from otel_mldebug.instrument.training.tensors.graph import Examination, Node, is_result, saved, walk
from otel_mldebug.instrument.training.tensors.health import Damage
from otel_mldebug.instrument.training.tensors.layers import Layers, owner
from otel_mldebug.rules.detectors.culprits import OTHER, culprit

_MASKING = ("MaskedFill", "Where", "MaskedFill_", "Scatter", "IndexPut")
"""Operations that put -inf into their output on purpose."""
_SOFTMAX = ("Softmax", "LogSoftmax")
_PRODUCTS = ("Mm", "Addmm", "Linear", "MkldnnLinear", "Convolution", "MkldnnConvolution", "MkldnnRnnLayer")
"""Operations that multiply what comes in by weights: -inf that comes in there is no mask."""
_COMPARING = ("MseLoss", "SmoothL1Loss", "HuberLoss")
"""Operations whose targets are no masks either."""
_AVERAGES = ("MseLoss", "SmoothL1Loss", "HuberLoss", "BinaryCrossEntropy", "BinaryCrossEntropyWithLogits")
"""Losses that are a mean unless they are told otherwise."""
_MEAN = 1
"""What they save of their reduction then. Source: PyTorch aten/src/ATen/core/Reduction.h."""
COMPILED = "CompiledFunction"
"""Autograd's node for a whole compiled graph."""
_NEAR = 3
"""Operations between a weight and the one that uses it, such as a transpose and a cast."""


@dataclass(frozen=True, slots=True)
class Outside:
    """A tensor that takes part in the graph and was not made in it: input, target, mask, buffer, frozen weight.

    Attributes:
        place: Of the operation that takes it.
        tensor: The tensor.
        damage: What is wrong with it.
        layer: The layer that takes it, or the first one behind it; empty where there is none.
        weight: A weight of that layer.
    """

    place: int
    tensor: Any
    damage: Damage
    layer: str = ""
    weight: Any = None


@dataclass(frozen=True, slots=True)
class Trace:
    """What a walk through the graph has found.

    Attributes:
        leaves: Names of all weights that take part, in forward order; `#3` for those without a name.
        bad_leaves: Those that are not finite, with what is wrong.
        outside: The first tensor from outside that is not finite, if it comes before the first bad operation.
        operation: Operation that made the first non-finite value; empty when that could not be told.
        layer: Where it is: the layer whose weights it uses, else the nearest one that it can be a part of.
        after: Last layer before it.
        before: First layer after it.
        damage: What is wrong with its output, where known.
        certain: Whether it is that operation and no other.
        fed: Whether the operation takes something from outside that was not saved and could have been bad.
    """

    leaves: tuple[str, ...] = ()
    bad_leaves: tuple[tuple[str, Damage], ...] = ()
    outside: Outside | None = None
    operation: str = ""
    layer: str = ""
    after: str = ""
    before: str = ""
    damage: Damage | None = None
    certain: bool = False
    fed: bool = False


def trace(torch: Any, root: Any, layers: Layers, *, limit_s: float = 1.0) -> Trace:
    """Find what was not finite first in the graph that ends in `root`. Waits for the device of the tensors.

    Args:
        torch: The module.
        root: Autograd's node of the loss.
        layers: Names of parameters.
        limit_s: Wall time that may be used; what has been found until then counts.
    """
    nodes = walk(root)
    layers.learn([n.leaf for n in nodes if n.leaf is not None])
    look = Examination(torch, limit_s=limit_s)
    names = {i: layers.label(n.leaf, i) for i, n in enumerate(nodes) if n.leaf is not None}
    bad = [(names[i], d) for i in names if (d := look.damage(nodes[i].leaf)) is not None]
    leaves = tuple(names.values())
    if bad:
        return Trace(leaves=leaves, bad_leaves=tuple(bad), certain=True)
    outside = _examine(nodes, look)
    place = _first_bad(nodes, outside)
    entered = [o for o in outside if not o.damage.mask_like or nodes[o.place].kind in _PRODUCTS + _COMPARING]
    from_outside = min(entered, key=lambda o: o.place, default=None)
    if from_outside is not None and from_outside.place <= place:
        return Trace(leaves=leaves, outside=_taken(nodes, from_outside, names), certain=True)
    empty = next((i for i, node in enumerate(nodes[: place + 1]) if _of_nothing(node)), None)
    suspects = _suspects(nodes, place) if empty is None else [empty]
    blamed = _blame(nodes, suspects)
    own, after, before = _location(nodes, blamed, names)
    output = nodes[blamed].output
    return Trace(
        leaves=leaves,
        operation=nodes[blamed].kind if empty is None else "Mean",
        layer=own or _between(after, before, layers),
        after=after,
        before=before,
        damage=output if isinstance(output, Damage) else None,
        certain=len(suspects) == 1 and not look.expired and nodes[blamed].kind != COMPILED,
        fed=any(nodes[i].outside and nodes[i].output is not False for i in suspects),
    )


def _examine(nodes: list[Node], look: Examination) -> list[Outside]:
    """Fill in the outputs of `nodes` as far as saved tensors tell; return what came in bad from outside."""
    places = {node.function: i for i, node in enumerate(nodes)}
    outside: list[Outside] = []
    for i, node in enumerate(nodes):
        if look.expired:
            break
        if node.leaf is not None:
            node.output = False
            continue
        inputs = {}
        for name, tensor in saved(node.function):
            found = look.damage(tensor)
            producer = tensor.grad_fn
            if is_result(name):
                node.output = node.output or found or False
                continue
            inputs[name] = tensor
            if producer in places:
                nodes[places[producer]].output = nodes[places[producer]].output or found or False
            elif producer is None and found is not None and not tensor.requires_grad:
                outside.append(Outside(i, tensor, found))
        if node.output is None and inputs:
            node.output = look.output(node.kind, inputs)
    return outside


def _first_bad(nodes: list[Node], outside: Sequence[Outside]) -> int:
    """Return the place of the first operation whose output is bad; the last one when none is known to be.

    -inf alone counts only when nothing else is bad: masks are full of it.
    """
    for place, node in enumerate(nodes):
        if isinstance(node.output, Damage) and not node.output.mask_like:
            earlier = _source_of_minus_infinity(nodes, place)
            return place if earlier is None else earlier
    masked = {o.place for o in outside}
    for place, node in enumerate(nodes):
        if isinstance(node.output, Damage) and node.kind not in _MASKING and place not in masked:
            return place
    return len(nodes) - 1


def _source_of_minus_infinity(nodes: list[Node], place: int) -> int | None:
    """Return the operation above `place` that made a -inf it was not asked to make, such as the logarithm of zero."""
    above = sorted(_ancestors(nodes, place))
    for i in above:
        output = nodes[i].output
        if isinstance(output, Damage) and output.mask_like and nodes[i].kind not in _MASKING:
            if any(nodes[j].kind in _MASKING for j in _ancestors(nodes, i)):
                return None  # a masked score that was moved on
            return i
    return None


def _ancestors(nodes: list[Node], place: int) -> set[int]:
    found: set[int] = set()
    stack = list(nodes[place].inputs)
    while stack:
        i = stack.pop()
        if i not in found:
            found.add(i)
            stack.extend(nodes[i].inputs)
    return found


def _of_nothing(node: Node) -> bool:
    """Return whether the operation is a mean of no elements, which is NaN."""
    if node.kind == "Mean":
        sizes = getattr(node.function, "_saved_self_sym_sizes", ())
        dims = getattr(node.function, "_saved_dim", None)
        # Dimensions from the end come as 2**64 - 1, 2**64 - 2, ...
        gone = range(len(sizes)) if dims is None else [d if d < len(sizes) else d - 2**64 + len(sizes) for d in dims]
        return 0 in [sizes[d] for d in gone] and all(size for d, size in enumerate(sizes) if d not in gone)
    if node.kind not in _AVERAGES or getattr(node.function, "_saved_reduction", None) != _MEAN:
        return False
    return any(name == "self" and tensor.numel() == 0 for name, tensor in saved(node.function))


def _suspects(nodes: list[Node], place: int) -> list[int]:
    """Return `place` and the operations above it that nothing is known of: one of them made the bad value."""
    found = {place}
    stack = [i for i in nodes[place].inputs if nodes[i].output is None]
    while stack:
        i = stack.pop()
        if i not in found:
            found.add(i)
            stack.extend(j for j in nodes[i].inputs if nodes[j].output is None)
    kept = [i for i in sorted(found) if not nodes[i].bounded]
    return kept or [place]


def _blame(nodes: list[Node], suspects: list[int]) -> int:
    compiled = [i for i in suspects if nodes[i].kind == COMPILED]
    if compiled:  # many operations in one, of which nothing is known
        return compiled[0]
    if nodes[suspects[-1]].kind in _SOFTMAX and any(nodes[i].kind in _MASKING for i in suspects):
        return suspects[-1]  # a row that was masked out as a whole
    known = [i for i in suspects if culprit(nodes[i].kind) is not OTHER]
    return (known or suspects)[0]


def _location(nodes: list[Node], place: int, names: dict[int, str]) -> tuple[str, str, str]:
    """Return the layer whose weights the operation at `place` uses, the last layer before it and the first after it."""
    own = _owner(nodes, place, names)
    above = _ancestors(nodes, place)
    after = next((name for i in sorted(above, reverse=True) if (name := _owner(nodes, i, names)) not in ("", own)), "")
    reached = {place}
    before = ""
    for i in range(place + 1, len(nodes)):
        if reached.intersection(nodes[i].inputs):
            reached.add(i)
            name = _owner(nodes, i, names)
            if name and name != own:
                before = name
                break
    return own, after, before


def _taken(nodes: list[Node], found: Outside, names: dict[int, str]) -> Outside:
    """Return a tensor from outside with the layer that it went into, or the first one behind that."""
    own, _, before = _location(nodes, found.place, names)
    layer = own or before
    weight = next((nodes[i].leaf for i, name in names.items() if layer and owner(name) == layer), None)
    return replace(found, layer=layer, weight=weight)


def _owner(nodes: list[Node], place: int, names: dict[int, str]) -> str:
    """Return the module whose weight the operation uses directly, or after a transpose or a cast."""
    level = list(nodes[place].inputs) if nodes[place].leaf is None else []
    for _ in range(_NEAR):
        for i in level:
            if i in names:
                return "" if names[i].startswith("#") else owner(names[i])
        level = [j for i in level if nodes[i].view for j in nodes[i].inputs]
    return ""


def _between(after: str, before: str, layers: Layers) -> str:
    """Return the module that an operation without weights of its own is most likely a part of."""
    for name in (before, after):
        if name and layers.custom(name):
            return name
    return common(after, before) or after


def common(one: str, other: str) -> str:
    """Return the module that holds both: `enc.1.attn` for `enc.1.attn.qkv` and `enc.1.attn.proj`."""
    shared = []
    for a, b in zip(one.split("."), other.split("."), strict=False):
        if a != b:
            break
        shared.append(a)
    return ".".join(shared)
