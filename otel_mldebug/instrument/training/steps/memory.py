"""How much memory the process has in use, cheap enough to ask for often; and, once that grows, what grows."""

import ctypes
import gc
import sys
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, cast

from otel_mldebug.rules.course import Course

SUSPICIOUS_BYTES = 384 << 10
RISES, RISE_BYTES = 5, 1536
"""Growth since `SETTLED` steps, and how often in a row it has to have grown by so much for each step, after which live
tensors are counted, twice: about 50 ms each, once in a run."""
SETTLED = 24
"""Steps after which optimizer state, gradients and caches are all there."""
BETWEEN = 24
"""Steps between the two counts."""
_MOST_NODES = 50_000
_MOST_MARKS = 256
"""Operations that are marked in the first count, to be found again in the second: a graph that is larger then may be
that of another, longer sequence, while all older ones are gone."""
_PAGES = Path("/proc/self/statm")


class _Usage(ctypes.Structure):
    """`struct mallinfo2` of the GNU C library, 2.33 and later. Source: mallinfo(3)."""

    _fields_ = [
        ("arena", ctypes.c_size_t),
        ("ordblks", ctypes.c_size_t),
        ("smblks", ctypes.c_size_t),
        ("hblks", ctypes.c_size_t),
        ("hblkhd", ctypes.c_size_t),
        ("usmblks", ctypes.c_size_t),
        ("fsmblks", ctypes.c_size_t),
        ("uordblks", ctypes.c_size_t),
        ("fordblks", ctypes.c_size_t),
        ("keepcost", ctypes.c_size_t),
    ]


def usage() -> Callable[[], int] | None:
    """Return what reads the bytes of memory in use; None where they cannot be had cheaply.

    The C library knows exactly what it has handed out, which the size of the process shows only in steps. Where it does
    not tell, what the process occupies without files is taken.
    """
    if not sys.platform.startswith("linux"):
        return None
    try:
        ask = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError):
        return _occupied if _PAGES.exists() else None
    ask.restype = _Usage

    def read() -> int:
        found = ask()
        return int(found.uordblks + found.hblkhd)

    return read


def _occupied() -> int:
    _, resident, shared, *_ = _PAGES.read_bytes().split()
    return (int(resident) - int(shared)) * 4096


class Kind(NamedTuple):
    """What tensors that are counted together have in common."""

    shape: tuple[int, ...]
    graph: bool


class Census:
    """The tensors that are alive at one moment.

    Args:
        tensor: Their class.
        step: When.
        before: An earlier count, whose marked operations are to be found again; without one, operations are marked.
    """

    def __init__(self, tensor: type, step: int, before: "Census | None" = None) -> None:
        self.step = step
        self._key = object()
        self.kinds: Counter[Kind] = Counter()
        self.nodes = 0
        seen: set[Any] = set()
        for thing in gc.get_objects():
            if type(thing) is tensor:
                thing = cast("Any", thing)
                node = thing.grad_fn
                self.kinds[Kind(tuple(thing.shape), node is not None)] += 1
                if node is not None:
                    self._walk(node, seen)
        self.nodes = len(seen)
        self.marked = sum(_mark(node, self._key) for node in islice(seen, _MOST_MARKS)) if before is None else 0
        self.kept = sum(_is_marked(node, before._key) for node in seen) if before is not None else 0

    @staticmethod
    def _walk(node: Any, seen: set[Any]) -> None:
        left = [node]
        while left and len(seen) < _MOST_NODES:
            node = left.pop()
            if node not in seen:
                seen.add(node)
                left += [behind for behind, _ in node.next_functions if behind is not None]

    def growth(self, later: "Census") -> tuple[str, bool]:
        """Return what there was more of later, in words, and whether graphs were kept; empty if nothing grew."""
        steps = max(1, later.step - self.step)
        more = [(n - self.kinds[kind], kind) for kind, n in later.kinds.items() if n - self.kinds[kind] >= 0.5 * steps]
        graph = later.nodes - self.nodes >= steps and 2 * later.kept >= self.marked
        found = []
        for count, kind in sorted(more, key=lambda item: (-item[1].graph, -_size(item[1].shape) * item[0]))[:3]:
            shape = " x ".join(map(str, kind.shape)) or "a single value"
            found.append(f"{count} tensors of {shape}" + (" with their graph" if kind.graph else ""))
        if graph and not any(kind.graph for _, kind in more):
            found.insert(0, f"a graph of {self.nodes} operations, now {later.nodes}, which a running sum may hold")
        return ", ".join(found), graph


def _mark(node: Any, key: object) -> bool:
    """Note in an operation of the graph that it was counted; return whether that is possible.

    Only what belongs to a single pass is: the ends of the graph, which add to gradients, live as long as parameters.
    """
    if node.name().endswith("AccumulateGrad"):
        return False
    node.metadata[key] = True
    return True


def _is_marked(node: Any, key: object) -> bool:
    return key in node.metadata


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


class Growth:
    """Watches the memory of one optimizer's steps, and says what grows once it does.

    Args:
        tensor: PyTorch's class.
        read: Returns the memory in use, bytes.
    """

    def __init__(self, tensor: type, read: Callable[[], int]) -> None:
        self._tensor, self._read = tensor, read
        self._base: int | None = None
        self._first: Census | None = None
        self._done = False
        self._rises = self._latest = self._at = 0

    def sample(self, course: Course, step: int) -> int:
        """Return the memory in use, bytes; note in `course` what grows, once that is known."""
        used = self._read()
        if self._done or step < SETTLED:
            return used
        if self._base is None:
            self._base = used
        elif self._first is None:
            rises = used - self._latest >= RISE_BYTES * (step - self._at)
            self._rises = self._rises + 1 if rises else 0
            if self._rises >= RISES and used - self._base >= SUSPICIOUS_BYTES:
                self._first = Census(self._tensor, step)
        elif step - self._first.step >= BETWEEN:
            self._done = True
            course.growing, course.graphs = self._first.growth(Census(self._tensor, step, self._first))
            self._first = None
        self._latest, self._at = used, step
        return used
