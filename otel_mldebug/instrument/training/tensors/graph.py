"""The autograd graph of a loss, read before backward frees it: which operation made the first non-finite value.

The tensors that operations save for their backward are still there when backward is called. So a loss that is not
finite can be traced to its origin afterwards, exactly, with no hook in the forward pass and without running it again.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from otel_mldebug.instrument.training.tensors.health import Damage, damage

MOST_NODES = 20_000
_RESULTS = ("result", "out", "output", "logsumexp", "softmax", "grid")
_VIEWS = (
    "View", "UnsafeView", "Reshape", "T", "Transpose", "Permute", "Expand", "Unsqueeze", "Squeeze", "Slice", "Select",
    "Alias", "Clone", "ToCopy", "AsStrided", "Split", "Unbind", "Narrow", "Detach", "Contiguous", "Unfold", "Repeat",
)  # fmt: skip
"""Operations that only move values (a cast can overflow, but hardly ever does)."""
_BOUNDED = frozenset((
    *_VIEWS, "Abs", "Neg", "Relu", "Tanh", "Sigmoid", "LogSigmoid", "Clamp", "ClampMin", "ClampMax", "Hardtanh", "Elu",
    "LeakyRelu", "Gelu", "Silu", "Mish", "Hardswish", "Softplus", "Threshold", "Maximum", "Minimum", "Max", "Min",
    "Amax", "Amin", "Sign", "Embedding", "IndexSelect", "Index", "Gather", "Cat", "Stack", "Flip", "Roll", "Sin", "Cos",
    "Atan", "Erf", "Tril", "Triu", "ConstantPadNd", "MaxPool2DWithIndices", "MaxPool1D", "AvgPool2D",
))  # fmt: skip
"""Operations whose output is finite whenever their input is."""


_kinds: dict[str, str] = {}


def kind_of(function: Any) -> str:
    """Return the operation's name: `LogBackward0` gives `Log`."""
    full: str = function.name()
    kind = _kinds.get(full)
    if kind is None:
        kind = _kinds[full] = full.rpartition("::")[2].rstrip("0123456789").removesuffix("Backward")
    return kind


class Node:
    """One operation of the graph.

    Attributes:
        function: Autograd's node.
        kind: Its name without `Backward0`.
        inputs: Places of the nodes whose output it takes, in the list that `walk` returns.
        outside: Whether some input does not come from the graph.
        leaf: The tensor that it accumulates into, for leaves.
        output: Damage of its output, as far as known: False when known to be fine, None when unknown.
    """

    __slots__ = ("function", "inputs", "kind", "leaf", "output", "outside")

    def __init__(self, function: Any) -> None:
        self.function = function
        self.kind = kind_of(function)
        self.inputs: list[int] = []
        self.outside = False
        self.leaf = getattr(function, "variable", None) if self.kind == "AccumulateGrad" else None
        self.output: Damage | bool | None = None

    @property
    def bounded(self) -> bool:
        """Return whether the operation cannot make a bad value from good ones."""
        return self.kind in _BOUNDED

    @property
    def view(self) -> bool:
        """Return whether the operation only moves values."""
        return self.kind in _VIEWS


def walk(root: Any, *, most: int = MOST_NODES) -> list[Node]:
    """Return the operations below `root` in the order of the forward pass: inputs before what uses them."""
    places: dict[Any, int] = {}
    order: list[Node] = []
    open_: set[Any] = set()
    stack: list[tuple[Any, Any]] = [(root, None)]
    while stack and len(open_) < most:
        function, used = stack.pop()
        if used is not None:
            node = Node(function)
            for below, _ in used:
                if below is None:
                    node.outside = True
                elif below in places:
                    node.inputs.append(places[below])
            places[function] = len(order)
            order.append(node)
        elif function not in open_:
            open_.add(function)
            used = function.next_functions
            stack.append((function, used))
            for below, _ in used:
                if below is not None and below not in open_:
                    stack.append((below, None))
    return order


_attributes: dict[str, tuple[str, ...]] = {}


def saves(function: Any) -> bool:
    """Return whether operations of this kind save tensors at all."""
    return bool(_raw_names(function))


def _raw_names(function: Any) -> tuple[str, ...]:
    name = function.name()
    found = _attributes.get(name)
    if found is None:
        found = _attributes[name] = tuple(a for a in dir(function) if a.startswith("_raw_saved_"))
    return found


def saved(function: Any) -> Iterator[tuple[str, Any]]:
    """Yield the tensors that an operation has saved, by name. Those behind hooks (checkpointing, offloading) are not.

    Unpacking those would run user code, such as the forward pass of a checkpointed block.
    """
    for raw_name in _raw_names(function):
        try:
            raw = getattr(function, raw_name)
            several = isinstance(raw, (list, tuple))
            if any(_hooked(one) for one in (raw if several else (raw,))):
                continue
            values = _unpacked(function, raw_name)
        except (RuntimeError, AttributeError):  # freed already, or changed in place since
            continue
        for value in values if isinstance(values, (list, tuple)) else (values,):
            if value is not None:
                yield raw_name.removeprefix("_raw_saved_"), value


def _unpacked(function: Any, raw_name: str) -> Any:
    if raw_name == "_raw_saved_tensors":  # a torch.autograd.Function
        return function.saved_tensors
    return getattr(function, raw_name.replace("_raw_saved_", "_saved_", 1))


def _hooked(raw: Any) -> bool:
    if raw is None:
        return False
    try:
        return raw.unpack_hook is not None
    except AttributeError:  # a PyTorch that cannot tell of one tensor: rather see less than run the user's code
        return Hooks.used
    except RuntimeError:
        return True


class Hooks:
    """Whether the program has put hooks on saved tensors, for a PyTorch that cannot tell of one tensor.

    Those are older ones, 2.8 among them, whose `SavedTensor` has no `unpack_hook`.
    """

    used = False

    @staticmethod
    def needed(torch: Any) -> bool:
        """Return whether this PyTorch cannot tell."""
        return not hasattr(torch._C._autograd.SavedTensor, "unpack_hook")

    @staticmethod
    def entering(original: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap `torch.autograd.graph.saved_tensors_hooks.__enter__`."""

        def __enter__(self: Any) -> Any:  # noqa: N807
            Hooks.used = True
            return original(self)

        return __enter__


def is_result(name: str) -> bool:
    """Return whether a saved tensor of this name is what the operation put out."""
    return name.startswith(_RESULTS)


class Examination:
    """Looks at saved tensors, each once, until the time is up.

    Args:
        torch: The module.
        limit_s: Wall time that may be used.
    """

    def __init__(self, torch: Any, *, limit_s: float) -> None:
        self._torch = torch
        self._end_s = time.monotonic() + limit_s
        self._known: dict[Any, Damage | None] = {}

    @property
    def expired(self) -> bool:
        """Return whether the time is up."""
        return time.monotonic() > self._end_s

    def damage(self, tensor: Any) -> Damage | None:
        """Return what is wrong with `tensor`."""
        try:
            key = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype)
        except RuntimeError:  # no storage of its own
            return damage(self._torch, tensor)
        if key not in self._known:
            self._known[key] = damage(self._torch, tensor)
        return self._known[key]

    def output(self, kind: str, inputs: dict[str, Any]) -> Damage | bool | None:
        """Return what is wrong with the output of a simple operation, computed again from its saved inputs.

        Returns:
            The damage, False for none, None when it cannot be computed from what was saved.
        """
        torch = self._torch
        recipes = {
            "Log": lambda: torch.log(inputs["self"]),
            "Log1p": lambda: torch.log1p(inputs["self"]),
            "Log2": lambda: torch.log2(inputs["self"]),
            "Log10": lambda: torch.log10(inputs["self"]),
            "Div": lambda: torch.div(inputs["self"], inputs["other"]),
            "Mul": lambda: torch.mul(inputs["self"], inputs["other"]),
            "Mm": lambda: torch.mm(inputs["self"], inputs["mat2"]),
            "Addmm": lambda: torch.mm(inputs["mat1"], inputs["mat2"]),
            "Bmm": lambda: torch.bmm(inputs["self"], inputs["mat2"]),
        }
        recipe = recipes.get(kind)
        if recipe is None:
            return None
        try:
            with torch.no_grad():
                return damage(torch, recipe()) or False
        except (KeyError, RuntimeError):
            return None
