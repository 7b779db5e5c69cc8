"""Where the program's own text divides, takes roots and logarithms: read, never run."""

import ast
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from types import CodeType, FunctionType
from typing import Any

from otel_mldebug.instrument.training.tensors.callers import foreign

_DEEP = 4
"""Functions within each other that are read."""
_MOST_LINES = 20_000
_CALLS = {
    "log": "Log",
    "log2": "Log2",
    "log10": "Log10",
    "sqrt": "Sqrt",
    "rsqrt": "Rsqrt",
    "div": "Div",
    "true_divide": "Div",
    "divide": "Div",
    "div_": "Div",
    "reciprocal": "Reciprocal",
    "exp": "Exp",
    "pow": "Pow",
    "logit": "Logit",
    "acos": "Acos",
    "asin": "Asin",
    "atanh": "Atanh",
}
"""Functions and methods that have no finite result for some finite argument, by what autograd calls them."""
_PLAIN = frozenset(("math", "len", "size", "shape", "numel", "range", "int", "dim", "d_model", "head_dim"))
"""What gives plain numbers: dividing by those is safe."""
_GUARDS = frozenset(("clamp", "clamp_min", "clamp_", "clip", "max", "maximum", "relu", "softplus", "exp", "sigmoid"))


@dataclass(frozen=True, slots=True)
class Risk:
    """An operation in the text that is not defined, or overflows, for some finite values.

    Attributes:
        operation: As autograd calls it: `Div`.
        place: Function, file and line: `InstanceScale.forward (model.py:15)`.
        layer: Qualified name of the module whose forward pass it is in; empty for a function of the loop.
    """

    operation: str
    place: str
    layer: str = ""


@lru_cache(maxsize=64)
def _tree(filename: str) -> ast.Module | None:
    lines = linecache.getlines(filename)
    if not lines or len(lines) > _MOST_LINES:
        return None
    try:
        return ast.parse("".join(lines))
    except (SyntaxError, ValueError, RecursionError):
        return None


def function_of(code: CodeType) -> ast.AST | None:
    """Return the text of a function, or of a whole file for the code of a module; None where there is none."""
    tree = _tree(code.co_filename)
    if tree is None or code.co_name == "<module>":
        return tree
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    named = [n for n in ast.walk(tree) if isinstance(n, kinds) and n.name == code.co_name]
    first = code.co_firstlineno
    return next((n for n in named if min([n.lineno, *(d.lineno for d in n.decorator_list)]) <= first <= n.lineno), None)


def risks(node: ast.AST, code: CodeType) -> Iterator[Risk]:
    """Yield what can go wrong in one operation: at most one risk."""
    operation = _operation(node)
    if operation:
        name = getattr(code, "co_qualname", code.co_name)
        file = PurePath(code.co_filename.replace("\\", "/")).name
        yield Risk(operation, f"{name} ({file}:{getattr(node, 'lineno', code.co_firstlineno)})")


def _operation(node: ast.AST) -> str:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return "" if _safe(node.right) else "Div"
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div):
        return "" if _safe(node.value) else "Div"
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        of = node.func.value if isinstance(node.func, ast.Attribute) else None
        if called in _CALLS and not (isinstance(of, ast.Name) and of.id in ("math", "np", "numpy")):
            library = isinstance(of, ast.Name) and of.id in ("torch", "F")
            arguments = ([] if of is None or library else [of]) + list(node.args)
            judged = arguments[1:2] if _CALLS[called] == "Div" else arguments[:1]
            return "" if any(map(_safe, judged)) else _CALLS[called]
    return ""


def _safe(node: ast.expr) -> bool:
    """Return whether the text says that this is a plain number, or is kept away from zero."""
    if isinstance(node, ast.Constant):
        return True
    for inner in ast.walk(node):
        name = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")
        if name in _PLAIN or name in _GUARDS or "eps" in name.lower():
            return True
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Add) and isinstance(inner.right, ast.Constant):
            return True
        if isinstance(inner, ast.keyword) and inner.arg in ("min", "eps"):
            return True
    return False


class Reading:
    """Reads forward passes in the order in which they run, up to the module that got the first bad value.

    Args:
        module_type: `torch.nn.Module`.
        until: That module.

    Attributes:
        found: Risks before it.
        arrived: Whether the module was met.
    """

    def __init__(self, module_type: type, until: Any) -> None:
        self._module_type = module_type
        self._until = until
        self.found: list[Risk] = []
        self.arrived = False

    def module(self, module: Any, name: str, deep: int = _DEEP) -> None:
        """Read the forward pass of a module, which may call others."""
        if module is self._until:
            self.arrived = True
        elif not deep:
            return
        elif type(module).__module__.startswith("torch."):
            for key, child in module._modules.items() if type(module).__name__ == "Sequential" else ():
                self._child(child, f"{name}.{key}".lstrip("."), deep - 1)
                if self.arrived:
                    return
        else:
            forward = getattr(type(module), "forward", None)
            if isinstance(forward, FunctionType):
                self.function(forward, deep, module=module, name=name)

    def _child(self, child: Any, name: str, deep: int) -> None:
        """Read a module that another one calls, if it leads to the one that is looked for, or has no weights.

        What has weights gives results with gradients: what stands before a value without any is not among those.
        """
        if child is None:
            return
        leads = any(inner is self._until for inner in child.modules())
        if leads or next(child.parameters(), None) is None:
            self.module(child, name, deep)

    def function(self, function: FunctionType, deep: int = _DEEP, *, module: Any = None, name: str = "") -> None:
        """Read a function of the program; the method of `module`, where that is given."""
        if not deep or foreign(function.__code__.co_filename):
            return
        node = function_of(function.__code__)
        if node is None:
            return
        for inner in _in_order(node):
            if isinstance(inner, ast.Call):
                self._call(inner, function, module, name, deep - 1)
            if self.arrived:
                return
            for risk in risks(inner, function.__code__):
                self.found.append(Risk(risk.operation, risk.place, name))

    def _call(self, node: ast.Call, function: FunctionType, module: Any, name: str, deep: int) -> None:
        called = node.func
        if isinstance(called, ast.Name):
            target = function.__globals__.get(called.id)
            if isinstance(target, FunctionType):
                self.function(target, deep, name=name)
        elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "self":
            if module is None:
                return
            child = module._modules.get(called.attr)
            method = getattr(type(module), called.attr, None)
            if isinstance(child, self._module_type):
                self._child(child, f"{name}.{called.attr}".lstrip("."), deep)
            elif isinstance(method, FunctionType):
                self.function(method, deep, module=module, name=name)


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is within a function in the order in which it runs, arguments before the call."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        yield from _in_order(child)
        yield child
