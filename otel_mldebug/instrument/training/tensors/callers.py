"""Who called, and which of its variables hold a graph: read from the stack, without any hook in the model."""

import sys
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from types import CodeType, FrameType, ModuleType
from typing import Any

_OURS = str(PurePath(__file__).parents[1])
_DEEP = 3
"""Frames of the program that tell one place that evaluates from another."""
_MOST_FRAMES = 40
_SNAPSHOT = sys.version_info < (3, 13)
"""Whether `f_locals` of a function is a copy that the frame keeps."""
_OPTIMIZED = 0x1
"""Flag of the code of functions: their variables are no dictionary. Source: inspect.CO_OPTIMIZED."""
_WITHIN, _MOST_WITHIN, _MOST_KEPT = 3, 512, 64
"""How far within each other a trainer, its parts, an average of weights and the model in that are looked for, and how
many things, in all of one depth and in each."""
_FOREIGN = ("torch", "tqdm", "accelerate", "ignite")
"""Packages whose frames are not the program's."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A place in the program.

    Attributes:
        key: The same for the same place, reached the same way.
        place: The function, its file and the line: `evaluate (train.py:31)`.
        code: Of the function.
        internal: Whether PyTorch itself did it on its own account.
    """

    key: tuple[Any, ...] = ()
    place: str = ""
    code: CodeType | None = None
    internal: bool = False


def caller(depth: int) -> Caller:
    """Return the innermost place of the program that is being executed.

    Args:
        depth: Frames of ours above it, at least; 1 for the one that calls this.
    """
    frame: FrameType | None = sys._getframe(depth)
    key: list[tuple[int, int]] = []
    place, code = "", None
    for _ in range(_MOST_FRAMES):
        if frame is None or len(key) >= _DEEP:
            break
        name = frame.f_code.co_filename
        if name.endswith("swa_utils.py"):
            return Caller(internal=True)
        if not foreign(name):
            if not key:
                code = frame.f_code
                place = f"{getattr(code, 'co_qualname', code.co_name)} ({_base(name)}:{frame.f_lineno})"
            # two calls of one function may stand in one line: print(rmse(train), rmse(valid))
            key.append((id(frame.f_code), frame.f_lasti if key else frame.f_lineno))
        frame = frame.f_back
    return Caller(tuple(key), place, code)


def variables(frame: FrameType) -> dict[str, Any]:
    """Return the variables of a function that is being executed; empty under a debugger, which may be setting them."""
    if sys.gettrace() is not None:
        return {}
    snapshot = frame.f_locals
    held = dict(snapshot)
    if _SNAPSHOT and frame.f_code.co_flags & _OPTIMIZED:
        snapshot.clear()  # or the frame would keep these tensors alive
    return held


def foreign(filename: str) -> bool:
    """Return whether a file belongs to a package that goes over data for the program, or to us."""
    if filename.startswith((_OURS, "<frozen")):
        return True
    _, found, after = filename.replace("\\", "/").rpartition("/site-packages/")
    return bool(found) and after.startswith(_FOREIGN)


class Graphs:
    """Looks at the variables of a function that evaluates.

    Args:
        trained: Returns the models that are being trained.

    Attributes:
        held: Name of a variable that gets a new graph in each batch; empty as long as none was found.
        others: Whether there is a model in evaluation mode that is not trained, such as an average of weights: then it
            may be the one that is evaluated.
        used: Whether graphs have been used: inputs are attacked, or explained.
    """

    def __init__(self, trained: Callable[[], list[Any]]) -> None:
        self._trained = trained
        self.held = ""
        self.others = self.used = False
        self._before: dict[str, Any] = {}

    def look(self, found: Caller, depth: int, *, graphs: bool) -> None:
        """Look at the variables of the place `found`, as they are now.

        A variable whose tensor was there before already says nothing: it may be the latest loss of training.

        Args:
            found: Where the pass goes over its batches.
            depth: Frames of ours above it, at least.
            graphs: Whether to look for graphs.
        """
        frame: FrameType | None = sys._getframe(depth)
        for _ in range(_MOST_FRAMES):
            if frame is None or frame.f_code is found.code:
                break
            frame = frame.f_back
        held = list(variables(frame).items()) if frame is not None else []
        if not held:
            return
        self.others = self.others or self._others(held)
        if graphs and not self.held and not self.used:
            self._graphs(held)

    def use(self) -> None:
        """Note that gradients are taken of what was computed: its graphs are not held for nothing."""
        self.held, self.used = "", True

    def _others(self, held: list[tuple[str, Any]]) -> bool:
        models = [value for value in _within(value for _, value in held) if _is_model(value) and not value.training]
        if not models:
            return False
        known = {id(module) for root in self._trained() for module in root.modules()}
        models = [m for m in models if id(m) not in known and id(getattr(m, "module", None)) not in known]
        return any(next(model.parameters(), None) is not None for model in models)

    def _graphs(self, held: list[tuple[str, Any]]) -> None:
        now = {name: weakref.ref(value) for name, value in held if _has_graph(value)}
        for name, ref in now.items():
            before = self._before.get(name)
            if before is not None and before() is not ref():
                self.held = f"`{name}`"
                return
        self._before = now


def _within(values: Iterable[Any]) -> list[Any]:
    """Return `values` with what they keep: members of collections, attributes of objects that are no models."""
    found = list(values)
    level = found
    for _ in range(_WITHIN):
        level = [kept for value in level for kept in _kept(value)][:_MOST_WITHIN]
        found += level
    return found


def _kept(value: Any) -> Iterable[Any]:
    kind = type(value)
    if kind in (list, tuple, dict):
        return list(value.values() if kind is dict else value)[:_MOST_KEPT]
    if issubclass(kind, (type, ModuleType)) or kind.__module__.startswith("torch.") or _is_model(value):
        return ()
    inside = getattr(value, "__dict__", None)
    return list(inside.values())[:_MOST_KEPT] if type(inside) is dict else ()


def _is_model(value: Any) -> bool:
    inside = getattr(value, "__dict__", None)
    return isinstance(inside, dict) and "_parameters" in inside and "_modules" in inside and "training" in inside


def _has_graph(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ == "Tensor" and kind.__module__ == "torch" and value.grad_fn is not None


def _base(filename: str) -> str:
    return PurePath(filename.replace("\\", "/")).name
