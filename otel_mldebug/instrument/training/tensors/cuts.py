"""Where the text of forward passes cuts what a layer makes off from what the model returns: read, never run.

Values are followed from call to call by name. A layer whose result is returned, or is not used at all, is not cut off:
only one whose result goes on behind a cut. What may not run (branches) tells nothing about the layers called in it.
"""

import ast
import weakref
from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import Any

from otel_mldebug.instrument.training.tensors.callers import foreign
from otel_mldebug.instrument.training.tensors.flows import Value, cut, join, no_gradients
from otel_mldebug.instrument.training.tensors.frames import Frame, TooLongError
from otel_mldebug.instrument.training.tensors.sources import function_of

_DEEP = 8
"""Functions within each other that are read."""
_WRAPPERS = {"DistributedDataParallel": "module", "DataParallel": "module", "OptimizedModule": "_orig_mod"}


class Cuts:
    """Knows of each model what its text cuts off: read once."""

    def __init__(self) -> None:
        self._known: weakref.WeakKeyDictionary[Any, dict[int, str]] = weakref.WeakKeyDictionary()

    def of(self, root: Any) -> dict[int, str]:
        """Return, by identity of the parameter, what cuts it off and where."""
        found = self._known.get(root)
        if found is None:
            found = self._known[root] = cuts(root)
        return found


def cuts(root: Any) -> dict[int, str]:
    """Return, by identity of the parameter, what cuts it off and where: `detach() in Net.forward (net.py:15)`.

    Args:
        root: A model.
    """
    try:
        value = Reading().model(root)
    except (TooLongError, RecursionError):
        return {}
    return {
        id(parameter): value[id(module)]
        for module in root.modules()
        if value.get(id(module))
        for parameter in module._parameters.values()
        if parameter is not None
    }


class Reading:
    """Follows values through the text of one model.

    Attributes:
        nodes: Expressions that were read so far.
    """

    def __init__(self) -> None:
        self.nodes = 0

    def model(self, root: Any) -> Value:
        """Return what the result of a training step of a model is made of."""
        while (inner := _WRAPPERS.get(type(root).__name__)) is not None and inner in root._modules:
            root = root._modules[inner]
        step = getattr(type(root), "training_step", None)
        if isinstance(step, FunctionType):
            return self.function(step, [{}] * 8, {}, module=root, deep=_DEEP, sure=True)
        return self.call(root, [{}] * 8, {}, deep=_DEEP, sure=True)

    def call(self, module: Any, given: Sequence[Value], named: Mapping[str, Value], *, deep: int, sure: bool) -> Value:
        """Return what a module makes of values; `sure` says whether it is certain to be called."""
        if type(module).__name__ == "Sequential" and given:
            value = given[0]
            for child in module._modules.values():
                value = self.call(child, [value], {}, deep=deep - 1, sure=sure)
            return value
        if not type(module).__module__.startswith("torch."):
            forward = getattr(type(module), "forward", None)
            if isinstance(forward, FunctionType) and deep > 0:
                return self.function(forward, given, named, module=module, deep=deep, sure=sure)
            return join(*given, *named.values())
        made = dict.fromkeys(map(id, module.modules()), "") if sure else {}
        return join(*given, *named.values(), made)

    def function(
        self,
        function: FunctionType,
        given: Sequence[Value],
        named: Mapping[str, Value],
        *,
        module: Any,
        deep: int,
        sure: bool,
    ) -> Value:
        """Return what a function of the program makes of values; the method of `module`, where that is given."""
        inner = getattr(function, "__wrapped__", function)
        function = inner if isinstance(inner, FunctionType) else function
        node = None if foreign(function.__code__.co_filename) or deep <= 0 else function_of(function.__code__)
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return join(*given, *named.values())
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
        names = names[1:] if module is not None and names[:1] == ["self"] else names
        known = dict(zip(names, given, strict=False)) | {k: v for k, v in named.items() if k in names}
        if node.args.vararg is not None:
            known[node.args.vararg.arg] = join(*given[len(names) :])
        frame = Frame(self, function, module, known, deep, sure)
        frame.block(node.body)
        value = join(*frame.returned)
        how = next(filter(None, map(no_gradients, node.decorator_list)), "")
        return cut(value, f"{how} around {frame.place(node)}") if how else value
