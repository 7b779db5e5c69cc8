"""One function of a model while its text is followed: what its variables are made of. Read, never run."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from types import FunctionType
from typing import TYPE_CHECKING, Any

from otel_mldebug.instrument.training.tensors.flows import (
    CUTTING,
    PLAIN,
    ROUTES,
    Value,
    called_name,
    cut,
    join,
    no_gradients,
)

if TYPE_CHECKING:
    from otel_mldebug.instrument.training.tensors.cuts import Reading

MOST_NODES = 20_000
"""Expressions of a model that are read, at most: beyond, nothing is said."""


class TooLongError(Exception):
    """There is too much text."""


class Frame:
    """One function while it is being read.

    Args:
        reading: Of the whole model.
        function: It.
        module: Whose method it is; None for others.
        names: What its arguments are made of.
        deep: Functions within it that are read.
        sure: Whether it is certain to run.

    Attributes:
        returned: What it may return, so far.
    """

    def __init__(
        self, reading: "Reading", function: FunctionType, module: Any, names: dict[str, Value], deep: int, sure: bool
    ) -> None:
        self._reading, self._function, self._module = reading, function, module
        self._names, self._deep, self._sure = names, deep, sure
        self._modules: dict[str, list[Any]] = {}
        self.returned: list[Value] = []

    def place(self, node: ast.AST) -> str:
        """Return function, file and line of a piece of text."""
        code = self._function.__code__
        name = self._function.__qualname__.rpartition("<locals>.")[2]
        return f"{name} ({PurePath(code.co_filename).name}:{getattr(node, 'lineno', 0)})"

    # Statements

    def block(self, body: Sequence[ast.stmt]) -> None:
        """Read statements in a row."""
        for statement in body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            self._assign(node)
        elif isinstance(node, ast.Return):
            self.returned.append(self.value(node.value) if node.value is not None else {})
        elif isinstance(node, ast.Expr):
            self.value(node.value)
        elif isinstance(node, (ast.If, ast.While)):
            self.value(node.test)
            self._perhaps(node.body, node.orelse)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self._loop(node.target, node.iter)
            for _ in range(2):  # what one round leaves goes into the next
                self.block(node.body)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            self._with(node)
        elif isinstance(node, ast.Try):
            self.block([*node.body, *node.orelse, *node.finalbody])

    def _assign(self, node: "ast.Assign | ast.AnnAssign | ast.AugAssign") -> None:
        if node.value is None:
            return
        value = self.value(node.value)
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            self._bind(target, value, node.value, add=isinstance(node, ast.AugAssign))

    def _with(self, node: "ast.With | ast.AsyncWith") -> None:
        before, how = dict(self._names), next(filter(None, (no_gradients(i.context_expr) for i in node.items)), "")
        self.block(node.body)
        if how:
            changed = {k: v for k, v in self._names.items() if before.get(k) != v}
            self._names |= {k: cut(v, f"{how} in {self.place(node)}") for k, v in changed.items()}

    def _perhaps(self, *branches: Sequence[ast.stmt]) -> None:
        """Read branches of which it is not known which one runs."""
        before, sure, self._sure = self._names, self._sure, False
        after = []
        for branch in branches:
            self._names = dict(before)
            self.block(branch)
            after.append(self._names)
        self._sure = sure
        self._names = {k: join(*(names.get(k, {}) for names in after)) for names in after for k in names}

    def _loop(self, target: ast.expr, over: ast.expr) -> None:
        modules = [m for inner in ast.walk(over) for m in self._resolved(inner)]
        value = self.value(over)
        for inner in ast.walk(target):
            if isinstance(inner, ast.Name):
                self._names[inner.id] = value
                self._modules[inner.id] = [c for m in modules for c in self._children(m)]

    def _bind(self, target: ast.expr, value: Value, source: ast.expr, *, add: bool = False) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            several = isinstance(source, (ast.Tuple, ast.List)) and len(source.elts) == len(target.elts)
            for n, inner in enumerate(target.elts):
                one = source.elts[n] if several and isinstance(source, (ast.Tuple, ast.List)) else source
                self._bind(inner, self.value(one) if several else value, one)
        elif isinstance(target, ast.Name):
            self._names[target.id] = join(self._names.get(target.id, {}), value) if add else value
            self._modules[target.id] = self._resolved(source)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            name = target.value.id
            self._names[name] = join(self._names.get(name, {}), value, self.value(target.slice))

    # Expressions

    def value(self, node: ast.expr) -> Value:
        """Return what an expression is made of."""
        self._count()
        if isinstance(node, (ast.Name, ast.Lambda, ast.JoinedStr)):
            return self._names.get(getattr(node, "id", ""), {})
        if isinstance(node, ast.Attribute):
            value = {} if node.attr in PLAIN else self.value(node.value)
            return cut(value, f".data in {self.place(node)}") if node.attr == "data" else value
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Compare):
            value = join(self.value(node.left), *map(self.value, node.comparators))
            plain = any(isinstance(op, (ast.Is, ast.IsNot, ast.In, ast.NotIn)) for op in node.ops)
            return {} if plain else cut(value, f"a comparison in {self.place(node)}")
        if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)):
            for generator in node.generators:
                self._loop(generator.target, generator.iter)
            return self.value(node.value if isinstance(node, ast.DictComp) else node.elt)
        if isinstance(node, ast.IfExp):
            return self._either(node)
        value = join(*(self.value(inner) for inner in ast.iter_child_nodes(node) if isinstance(inner, ast.expr)))
        if isinstance(node, ast.NamedExpr):
            self._bind(node.target, value, node.value)
        return value

    def _either(self, node: ast.IfExp) -> Value:
        sure, self._sure = self._sure, False
        value = join(self.value(node.body), self.value(node.orelse))
        self._sure = sure
        return value

    def _count(self) -> None:
        self._reading.nodes += 1
        if self._reading.nodes > MOST_NODES:
            raise TooLongError

    def _call(self, node: ast.Call) -> Value:
        name = called_name(node)
        given = [self.value(a) for a in node.args]
        named = {k.arg or "": self.value(k.value) for k in node.keywords}
        called = self._resolved(node.func)
        if not called and "checkpoint" in name:  # checkpoint(self.block, x)
            called = [m for a in node.args[:1] for m in self._resolved(a)]
            given = given[1:]
        if called:
            deep = self._deep - 1
            return join(*(self._reading.call(m, given, named, deep=deep, sure=self._sure) for m in called))
        function, module = self._function_of(node.func)
        if function is not None:
            return self._reading.function(function, given, named, module=module, deep=self._deep - 1, sure=self._sure)
        of = self.value(node.func.value) if isinstance(node.func, ast.Attribute) else {}
        value = join(of, *given, *named.values())
        if name in ROUTES:
            return {}
        return cut(value, f"{name}() in {self.place(node)}") if name in CUTTING else value

    def _function_of(self, node: ast.expr) -> tuple[FunctionType | None, Any]:
        found: Any = None
        module = None
        if isinstance(node, ast.Name):
            found = self._function.__globals__.get(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            module = self._module
            found = getattr(type(module), node.attr, None) if module is not None else None
        return (found, module) if isinstance(found, FunctionType) else (None, None)

    def _resolved(self, node: ast.AST) -> list[Any]:
        """Return the modules that an expression stands for; none if it is something else."""
        if isinstance(node, ast.Name):
            if node.id == "self" and self._module is not None:
                return [self._module]
            return self._modules.get(node.id, [])
        if isinstance(node, ast.Attribute):
            return [c for m in self._resolved(node.value) if (c := m._modules.get(node.attr)) is not None]
        if isinstance(node, ast.Subscript):
            return [c for m in self._resolved(node.value) for c in self._children(m)]
        return []

    @staticmethod
    def _children(module: Any) -> Iterator[Any]:
        """Yield what a list or dictionary of modules has."""
        if type(module).__name__ in ("ModuleList", "ModuleDict", "Sequential"):
            yield from (child for child in module._modules.values() if child is not None)
