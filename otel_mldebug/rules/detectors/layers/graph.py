"""Where an operation stands in the graph of a look: inside the model or behind it."""

from collections.abc import Sequence

from otel_mldebug.rules.looks import Look

SUMS = (
    "Addmm",
    "Mm",
    "Bmm",
    "Baddbmm",
    "Mv",
    "Dot",
    "Linear",
    "MkldnnLinear",
    "Convolution",
    "CudnnConvolution",
    "MkldnnConvolution",
    "SlowConv",
    "ThnnConv",
)
"""Beginnings of the names of operations that mix units with weights."""

_THROUGH = ("View", "UnsafeView", "Reshape", "T", "Transpose", "Permute", "Squeeze", "Unsqueeze", "Alias", "Expand")
"""Operations that only look at the same values in another shape."""


def is_sum(kind: str) -> bool:
    """Return whether an operation of this kind mixes units with weights."""
    return kind.startswith(SUMS)


def has_layers(look: Look) -> bool:
    """Return whether the loss was made by layers at all: else it is a leaf, made of plain numbers."""
    return any(is_sum(op.kind) or op.layer for op in look.operations)


def hidden(look: Look) -> set[int]:
    """Return the places of operations whose results a layer takes: the inside of the model, not its output or loss."""
    operations = look.operations
    found: set[int] = set()
    ahead = [p for at, op in enumerate(operations) if is_sum(op.kind) for p in op.inputs if p < at]
    while ahead:
        place = ahead.pop()
        if place not in found:
            found.add(place)
            ahead += [p for p in operations[place].inputs if 0 <= p < place]
    return found


def source(look: Look, place: int) -> int | None:
    """Return the place of the operation whose values the one at `place` takes, changes of shape left out."""
    operations = look.operations
    at = place
    while True:
        before = [p for p in operations[at].inputs if 0 <= p < at]
        if len(before) != 1:
            return None
        [at] = before
        if operations[at].kind.rstrip("0123456789") not in _THROUGH:
            return at


def feeds(look: Look, layer: str, other: str) -> bool | None:
    """Return whether what `layer` makes goes into `other`; None if the graph does not show one of them."""
    operations = look.operations
    starts = {at for at, op in enumerate(operations) if op.layer == layer and is_sum(op.kind)}
    ends = [at for at, op in enumerate(operations) if op.layer == other and is_sum(op.kind)]
    if not starts or not ends:
        return None
    seen: set[int] = set()
    ahead = [p for at in ends for p in operations[at].inputs if 0 <= p < at]
    while ahead:
        place = ahead.pop()
        if place in starts:
            return True
        if place not in seen:
            seen.add(place)
            ahead += [p for p in operations[place].inputs if 0 <= p < place]
    return False


def bypassed(look: Look, layer: str, other: str, among: Sequence[str]) -> bool:
    """Return whether something reaches `other` past `layer` that comes from a layer not `among` those: a residual."""
    operations = look.operations
    seen: set[int] = set()
    ahead = [p for op in operations if op.layer == other and is_sum(op.kind) for p in op.inputs if p >= 0]
    while ahead:
        place = ahead.pop()
        if place in seen or place >= len(operations):
            continue
        seen.add(place)
        found = operations[place]
        mixes = bool(found.layer) and (is_sum(found.kind) or found.kind.startswith("Embedding"))
        if mixes and found.layer not in among and found.layer != layer:
            return True
        if not mixes:
            ahead += [p for p in found.inputs if 0 <= p < place]
    return False


def samples(shape: tuple[int, ...], units: int) -> int:
    """Return for how many samples and places a result has each of its units; 0 when that is unknown."""
    size = 1
    for extent in shape:
        size *= extent
    return size // units if shape and units > 0 else 0
