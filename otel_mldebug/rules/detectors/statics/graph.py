"""The operations of a look as a graph that can be walked backwards from the loss, past what only moves values."""

from collections.abc import Iterator

from otel_mldebug.rules.looks import Look, Operation, Stats

BATCH = "batch"
"""Beginning of the place of what a data loader gave."""
MOST_OPERATIONS = 600
"""Operations of one look from which the middle of the graph may have been left out."""
LEAF = "AccumulateGrad"
VIEWS = frozenset((
    "View", "UnsafeView", "Reshape", "ReshapeAlias", "T", "Transpose", "Permute", "Movedim", "Squeeze", "Unsqueeze",
    "Alias", "Clone", "ToCopy", "Copy", "AsStrided", "Detach", "Contiguous", "Flatten", "Unflatten", "Swapaxes",
))  # fmt: skip
"""Operations that keep every value and only move it."""
PICKS = frozenset(("Select", "Slice", "Index", "IndexSelect", "Narrow", "Split", "SplitWithSizes", "Unbind", "Chunk"))
"""Operations that keep some of the values."""
JOINS = frozenset(("Cat", "Stack"))
LINEAR = frozenset((
    "Addmm", "Mm", "Mv", "Addmv", "Linear", "MkldnnLinear", "Convolution", "ConvolutionOverrideable",
    "CudnnConvolution", "MiopenConvolution", "SlowConv2D", "ThnnConv2D", "MpsConvolution",
))  # fmt: skip
"""What `Linear` and convolutions leave in the graph."""
ENTRIES = LINEAR | {"MkldnnRnnLayer", "CudnnRnn", "MiopenRnn"}
"""The same and recurrent layers: what takes inputs that should be on a scale around 1."""
CLASS_LOSSES = frozenset(("NllLoss", "NllLoss2D", "NllLossNd"))
VALUE_LOSSES = frozenset(("MseLoss", "SmoothL1Loss", "HuberLoss"))
REDUCTIONS = frozenset(("Mean", "Sum"))
_ELEMENTWISE = frozenset((
    "Pow", "Abs", "Mul", "Div", "Neg", "Add", "Sub", "Rsub", "Sqrt", "Log", "Log1p", "Cosh", "Clamp", "ClampMin",
    "ClampMax", "Minimum", "Maximum", "Where", "Square", "Relu", "Softplus", "LogSigmoid",
))  # fmt: skip
"""Operations that errors go through on their way into a loss. Not the exponential: kernels of pairs have one."""
_WRAP = 1 << 64
"""Autograd keeps negative dimensions as unsigned numbers: -1 is this minus 1."""


class Graph:
    """The operations of a look, safe to walk whatever they hold.

    Attributes:
        operations: In forward order.
    """

    def __init__(self, look: Look) -> None:
        self.operations = look.operations
        self._whole = look.complete and len(look.operations) < MOST_OPERATIONS
        self._users: list[list[int]] | None = None

    def kind(self, place: int | None) -> str:
        """Return the kind of an operation; empty for None."""
        return self.operations[place].kind if place is not None else ""

    def inputs(self, place: int) -> list[int]:
        """Return the places of what an operation takes, parameters left out."""
        return [i for i in self.operations[place].inputs if 0 <= i < place and not self._is_leaf(i)]

    def _is_leaf(self, place: int) -> bool:
        """Return whether an operation is a parameter, or a view of nothing but parameters."""
        while True:
            operation = self.operations[place]
            if operation.kind == LEAF:
                return True
            if operation.kind not in VIEWS:
                return False
            below = [i for i in operation.inputs if 0 <= i < place]
            if not below:
                return True
            place = below[0]

    def source(self, place: int, *, picks: bool = True) -> int | None:
        """Return the operation whose result another one takes, past views; None when that is not exactly one.

        Args:
            place: Of the operation that takes it.
            picks: Go past operations that take a part of the values or put several results together, too.
        """
        while True:
            below = self.inputs(place)
            if picks and self.kind(place) in JOINS and below:
                below = below[:1]
            if len(below) != 1:
                return None
            place = below[0]
            kind = self.kind(place)
            if kind not in VIEWS and not (picks and (kind in PICKS or kind in JOINS)):
                return place

    def is_linear(self, place: int) -> bool:
        """Return whether an operation is what a linear layer leaves, or its bias.

        Of tensors with three dimensions or more that are not contiguous, the bias is added apart.
        """
        if self.kind(place) in LINEAR:
            return True
        below = self.source(place, picks=False) if self.kind(place) == "Add" else None
        layer = self.operations[place].layer
        return below is not None and self.kind(below) in LINEAR and self.operations[below].layer == layer != ""

    def users(self, place: int) -> list[int]:
        """Return the operations that take the result of one."""
        if self._users is None:
            self._users = [[] for _ in self.operations]
            for user, operation in enumerate(self.operations):
                for i in operation.inputs:
                    if 0 <= i < user:
                        self._users[i].append(user)
        return self._users[place]

    def takers(self, place: int) -> list[int]:
        """Return the operations that take the result of one, past views."""
        found: list[int] = []
        open_ = [place]
        while open_:
            for user in self.users(open_.pop()):
                (open_ if self.kind(user) in VIEWS else found).append(user)
        return found

    def ends_in_mean(self, place: int) -> bool:
        """Return whether a result goes, element by element, into means or sums over everything, and nowhere else.

        It may take several ways, as in Huber's loss written by hand.
        """
        open_, seen = [place], set[int]()
        while open_:
            users = set(self.users(open_.pop()))
            if not users:
                return False
            for user in users - seen:
                seen.add(user)
                kind = self.kind(user)
                if kind in REDUCTIONS:
                    if "dim" in self.operations[user].settings:
                        return False
                elif kind in _ELEMENTWISE or kind in VALUE_LOSSES:
                    open_.append(user)
                else:
                    return False
        return True

    def of(self, kinds: frozenset[str]) -> Iterator[tuple[int, Operation]]:
        """Yield the operations of some kinds with their places, in forward order."""
        return ((i, operation) for i, operation in enumerate(self.operations) if operation.kind in kinds)

    def is_first(self, place: int) -> bool:
        """Return whether an operation takes what comes from outside the graph, and nothing else.

        Of a graph that was cut short, nothing is known to be first.
        """
        return self._whole and not self.inputs(place)


def dimension(operation: Operation) -> int | None:
    """Return the dimension that an operation works along, from 0; None when it or the shape is not known."""
    dim = operation.settings.get("dim")
    rank = len(operation.shape)
    if not isinstance(dim, int) or isinstance(dim, bool) or not rank:
        return None
    dim = dim - _WRAP if dim >= _WRAP // 2 else dim
    return dim % rank if -rank <= dim < rank else None


def rms(stats: Stats) -> float:
    """Return the root of the mean square of a tensor's elements."""
    return float((stats.mean * stats.mean + stats.std * stats.std) ** 0.5)
