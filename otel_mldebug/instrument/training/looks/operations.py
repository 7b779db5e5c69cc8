"""From the autograd graph of a loss to the operations of its forward pass. Runs before backward frees the graph."""

from dataclasses import dataclass, field
from typing import Any

from otel_mldebug.instrument.training.looks.models import Models
from otel_mldebug.instrument.training.looks.shapes import cast_of, fill, shape_of
from otel_mldebug.instrument.training.looks.sheet import Sheet, Slot
from otel_mldebug.instrument.training.looks.units import Units
from otel_mldebug.instrument.training.tensors.graph import Node, saved, saves, walk
from otel_mldebug.instrument.training.tensors.trace import COMPILED, common
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.looks import Operation

MOST_NODES = 8000
"""Nodes of the graph that are visited: of deeper ones (long recurrent nets) the part nearest to the loss."""
MOST_OPERATIONS = 600
"""Operations of one look; of more, the first and the last half."""
MOST_ELEMENTS, LEAST_ELEMENTS = 2048, 512
"""Elements of a sample of an activation."""
ALL_ELEMENTS = 100_000
"""Elements of all samples of activations, as long as each has the least."""
MOST_MEASURED = 72
"""Operations of one look whose tensors are measured; of more, the first, the last, and some evenly in between."""
RESULTS = frozenset({"result", "out", "output"})
_TAKEN = ("self", "input", "mat1", "batch1", "query", "indices", "tensor1", "other")
"""What an operation takes first, by the names that autograd gives it."""
_MOVING = frozenset({"T", "Transpose", "Permute", "View", "Reshape", "UnsafeView", "ToCopy", "Alias", "Expand"})
"""What happens to a weight between the model and the operation that uses it: not worth an operation of its own."""
_NEGATIVE = 1 << 63


@dataclass(slots=True)
class Draft:
    """One operation whose numbers may be on their way."""

    kind: str
    layer: str = ""
    inputs: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()
    operands: tuple[tuple[int, ...], ...] = ()
    settings: dict[str, Value] = field(default_factory=dict)
    output: Slot | None = None
    operand: Slot | None = None
    units: int = 0
    dead: Slot | None = None
    saturated: Slot | None = None

    def made(self) -> Operation:
        """Return it with the numbers that have arrived."""
        return Operation(
            kind=self.kind,
            layer=self.layer,
            inputs=self.inputs,
            shape=self.shape,
            output=self.output.stats() if self.output is not None else None,
            operand=self.operand.stats() if self.operand is not None else None,
            operands=self.operands,
            settings=self.settings,
            units=self.units,
            dead=self.dead.norm if self.dead is not None else None,
            saturated=self.saturated.norm if self.saturated is not None else None,
        )


@dataclass(slots=True)
class Outside:
    """A tensor that an operation saved and that no operation made.

    Attributes:
        kind: The operation.
        name: What autograd calls it there: `target`, `mat1`, …
        tensor: Itself, for as long as the stage of the look lasts.
    """

    kind: str
    name: str
    tensor: Any


class Graph:
    """What one graph says.

    Args:
        torch: The module.
        nodes: The graph, as `ordered` returns it.
        models: Names of its parameters.
        sheet: Gets the tensors.
        last: Shape of what the whole graph makes.

    Attributes:
        drafts: Its operations in forward order.
        leaves: Identities of the parameters that the loss depends on, with the place of the first operation to use it.
        outside: What came in, each tensor once.
        full: Whether all operations are there.
        whole: Whether all of it was visited, and nothing can be hidden inside of an opaque operation.
        autocast: Type that weights were cast to on their way to an operation; empty if they were not.
    """

    def __init__(self, torch: Any, nodes: list[Node], models: Models, sheet: Sheet, last: tuple[int, ...] = ()) -> None:
        self._torch = torch
        self._sheet = sheet
        self._units = Units(torch, sheet)
        self.drafts: list[Draft] = []
        self.leaves: dict[int, int] = {}
        self.outside: list[Outside] = []
        self.autocast = ""
        self.full = True
        self.whole = len(nodes) < MOST_NODES
        kept, carried = self._sort(nodes)
        self._most = max(LEAST_ELEMENTS, min(MOST_ELEMENTS, ALL_ELEMENTS // max(1, len(kept))))
        self._locate(nodes, kept, carried, models)
        self._read(nodes, kept)
        if nodes and not hasattr(nodes[-1].function, "_input_metadata"):
            fill(self.drafts, nodes, kept, last)

    def _sort(self, nodes: list[Node]) -> tuple[dict[int, int], list[int]]:
        """Make a draft of each node that is an operation; return its place by that of the node, and leaves by node."""
        carried = [-1] * len(nodes)  # the leaf that a node only passes on
        kept: dict[int, int] = {}
        operations = []
        for i, node in enumerate(nodes):
            if node.kind == "AccumulateGrad":
                carried[i] = i
            elif node.kind in _MOVING and len(node.inputs) == 1 and carried[node.inputs[0]] >= 0:
                carried[i] = carried[node.inputs[0]]
            else:
                operations.append(i)
        self.full = len(operations) <= MOST_OPERATIONS
        if not self.full:
            half = MOST_OPERATIONS // 2
            operations = operations[:half] + operations[-half:]
        for i in operations:
            kept[i] = len(self.drafts)
            node = nodes[i]
            inputs = tuple(kept[j] for j in node.inputs if j in kept)
            self.drafts.append(Draft(node.kind, inputs=inputs, shape=shape_of(node.function)))
        return kept, carried

    def _locate(self, nodes: list[Node], kept: dict[int, int], carried: list[int], models: Models) -> None:
        """Say in which layer each operation is, and which parameters take part."""
        own = [""] * len(self.drafts)
        for i, node in enumerate(nodes):
            if carried[i] >= 0:
                continue
            place = kept.get(i)
            for j in node.inputs:
                if carried[j] >= 0:
                    layer = self._use(nodes, j, nodes[carried[j]].leaf, place, models)
                    if place is not None:
                        own[place] = own[place] or layer
        for draft, layer in zip(self.drafts, _nearest(self.drafts, own, models.custom), strict=True):
            draft.layer = layer

    def _use(self, nodes: list[Node], j: int, leaf: Any, place: int | None, models: Models) -> str:
        """Note that the operation at `place` uses `leaf`, which node `j` passes on; return the leaf's layer."""
        self.leaves.setdefault(id(leaf), len(self.leaves) if place is None else place)
        if nodes[j].kind == "ToCopy" and not self.autocast:
            self.autocast = cast_of(self._torch, nodes[j].function, leaf)
        known = models.places.get(id(leaf))
        return known.layer if known is not None else ""

    def _read(self, nodes: list[Node], kept: dict[int, int]) -> None:
        places = {nodes[i].function: place for i, place in kept.items()}
        seen: set[int] = set()
        measured = chosen([i for i in kept if saves(nodes[i].function)])
        for i, place in kept.items():
            draft, function = self.drafts[place], nodes[i].function
            if draft.kind.startswith(COMPILED):
                continue
            if hasattr(type(function), "saved_tensors"):
                self.whole = False  # somebody's own function can hide a whole graph, as checkpointing does
            draft.settings = settings_of(function)
            if i not in measured:
                continue
            self._see(draft, function, places, seen)

    def _see(self, draft: Draft, function: Any, places: dict[Any, int], seen: set[int]) -> None:
        """Have what one operation has saved measured."""
        taken: dict[str, Any] = {}
        for name, tensor in saved(function):
            if self._sheet.local(tensor) is None:
                continue
            if name in RESULTS:
                draft.output = draft.output or self._sheet.add(tensor, self._most)
                self._units.result(draft, tensor)
                draft.shape = draft.shape or tuple(tensor.shape)
                continue
            taken.setdefault(name, tensor)
            producer = tensor.grad_fn
            if producer is None:
                if not tensor.requires_grad and id(tensor) not in seen:
                    seen.add(id(tensor))
                    self.outside.append(Outside(draft.kind, name, tensor))
            elif (made := places.get(producer)) is not None:
                self.drafts[made].shape = self.drafts[made].shape or tuple(tensor.shape)
                if self.drafts[made].output is None:
                    self.drafts[made].output = self._sheet.add(tensor, self._most)
        self._take(draft, taken)

    def _take(self, draft: Draft, taken: dict[str, Any]) -> None:
        first = next((name for name in _TAKEN if name in taken), None)
        if first is not None:
            draft.operand = self._sheet.add(taken[first], self._most)
            self._units.operand(draft, taken[first])
        names = sorted(taken, key=lambda name: _TAKEN.index(name) if name in _TAKEN else len(_TAKEN))
        draft.operands = tuple(tuple(taken[name].shape) for name in names if not name.startswith("result"))


def ordered(root: Any) -> list[Node]:
    """Return the nodes below `root` in the order in which they were made, as far as autograd knows it."""
    functions, known = [root], {root}
    uses = []
    for function in functions:  # it grows meanwhile
        uses.append(below := function.next_functions)
        for one, _ in below:
            if one is not None and one not in known and len(known) < MOST_NODES:
                known.add(one)
                functions.append(one)
    try:
        numbers = [function._sequence_nr() for function in functions]
    except (AttributeError, TypeError):
        return walk(root, most=MOST_NODES)
    nodes = [Node(function) for function in functions]
    # Leaves have the highest number: they stay in front of all that use them.
    order = sorted(range(len(nodes)), key=lambda i: (nodes[i].kind != "AccumulateGrad", numbers[i], -i))
    places = {functions[old]: new for new, old in enumerate(order)}
    for new, old in enumerate(order):
        node = nodes[old]
        for one, _ in uses[old]:
            if one is None:
                node.outside = True
            elif (place := places.get(one)) is not None:
                if place >= new:  # made by several threads, whose numbers have nothing to do with each other
                    return walk(root, most=MOST_NODES)
                node.inputs.append(place)
    return [nodes[i] for i in order]


def chosen(places: list[int]) -> set[int]:
    """Return which operations are measured: all, or of very many a third each at both ends and in between."""
    third = MOST_MEASURED // 3
    if len(places) <= MOST_MEASURED:
        return set(places)
    middle = places[third:-third]
    return {*places[:third], *middle[:: -(-len(middle) // third)], *places[-third:]}


_plain: dict[str, tuple[str, ...]] = {}


def settings_of(function: Any) -> dict[str, Value]:
    """Return the plain values that an operation has saved."""
    name = function.name()
    names = _plain.get(name)
    if names is None:
        attributes = set(dir(function))
        names = _plain[name] = tuple(
            sorted(
                a for a in attributes if a.startswith("_saved_") and f"_raw{a}" not in attributes and "_sym_" not in a
            )
        )
    found: dict[str, Value] = {}
    for attribute in names:
        value = getattr(function, attribute, None)
        if isinstance(value, (bool, float, str)):
            found[attribute.removeprefix("_saved_")] = value
        elif isinstance(value, int):
            found[attribute.removeprefix("_saved_")] = _signed(value)
        elif isinstance(value, tuple) and all(type(part) is int for part in value):
            found[attribute.removeprefix("_saved_")] = tuple(map(_signed, value))
    return found


def _signed(value: int) -> int:
    """Return -1 for 2**64 - 1, as which autograd shows it."""
    return value - (_NEGATIVE << 1) if value >= _NEGATIVE else value


def _nearest(drafts: list[Draft], own: list[str], custom: set[str]) -> list[str]:
    """Return the layer of each operation: its own, else what lies between the layers before and behind it."""
    after, before = list(own), list(own)
    for place, draft in enumerate(drafts):
        if not after[place]:
            after[place] = next((after[j] for j in sorted(draft.inputs, reverse=True) if after[j]), "")
    for place in range(len(drafts) - 1, -1, -1):
        for j in drafts[place].inputs:
            if not own[j]:
                before[j] = before[place] or before[j]
    return [own[i] or _between(after[i], before[i], custom) for i in range(len(drafts))]


def _between(after: str, before: str, custom: set[str]) -> str:
    for name in (before, after):
        if name and name in custom:
            return name
    return common(after, before) or after or before
