"""What the program had in its hands when it called backward: whether what it gave to the model was finite.

Read from the variables of the function that trains, and from its text. Nothing of the program is run.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from otel_mldebug.instrument.training.tensors.callers import foreign, variables
from otel_mldebug.instrument.training.tensors.health import Damage, damage, tensors_of
from otel_mldebug.instrument.training.tensors.sources import Risk, function_of, risks

_MOST_FRAMES, _OWN_FRAMES = 40, 3
_MOST = 50_000_000
"""Elements of a tensor that is looked at."""
_LOOPS = (ast.For, ast.While, ast.AsyncFor)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_ASSIGNMENTS = (ast.Assign, ast.AugAssign, ast.AnnAssign)
_Assignment = ast.Assign | ast.AugAssign | ast.AnnAssign


@dataclass(frozen=True, slots=True)
class Given:
    """What the variables say.

    Attributes:
        bad: Name of the first variable that is not finite and was not computed with gradients; empty for none.
        damage: What is wrong with it.
        risk: What in the lines that assign it may have made it, where the text tells.
        finite: Whether all that went in is known and finite.
    """

    bad: str = ""
    damage: Damage | None = None
    risk: Risk | None = None
    finite: bool = False


def given(torch: Any, depth: int) -> Given:
    """Look at the variables that the loss was computed from, in the function that called backward, or in its callers.

    Args:
        torch: The module.
        depth: Frames of ours above it, at least; 1 for the one that calls this.
    """
    frame: FrameType | None = sys._getframe(depth)
    own = 0
    for _ in range(_MOST_FRAMES):
        if frame is None or own >= _OWN_FRAMES:
            break
        if not foreign(frame.f_code.co_filename):
            own += 1
            found = _of_frame(torch, frame)
            if found is not None:
                return found
        frame = frame.f_back
    return Given()


def _of_frame(torch: Any, frame: FrameType) -> Given | None:
    """Return what one function says; None if it knows of no tensor without gradients."""
    tree, known = function_of(frame.f_code), variables(frame)
    if tree is None or not known:
        return None
    statements, scope = _statements(tree, frame.f_lineno)
    if not statements:
        return None
    assignments, wanted = _slice(statements, scope)
    held = {name: parts for name in wanted if (parts := _tensors(torch, known, name))}
    if not held:
        return None
    bad = {name: harm for name, parts in held.items() if (harm := _harm(torch, parts)) and not harm.mask_like}
    bad = bad or {name: harm for name, parts in held.items() if (harm := _harm(torch, parts))}
    lines = {name: node.lineno for node in assignments for name in _targets(node)}
    for name in sorted(bad, key=lambda name: lines.get(name, 0)):
        inner = (i for node in assignments if name in _targets(node) for i in ast.walk(node))
        risk = next((risk for i in inner for risk in risks(i, frame.f_code)), None)
        return Given(bad=name, damage=bad[name], risk=risk)
    return Given(finite=_all_known(torch, [*statements, *assignments], known, held))


def _statements(tree: ast.AST, line: int) -> tuple[list[ast.stmt], ast.AST]:
    """Return the innermost statements at a line (several where `;` joins them), and the loop or function around it."""
    found: list[ast.stmt] = []
    scope = tree
    nodes: Sequence[ast.AST] = [tree]
    while nodes:
        inner = [
            child
            for node in nodes
            for child in ast.iter_child_nodes(node)
            if isinstance(child, (ast.stmt, ast.excepthandler))
            and child.lineno <= line <= (child.end_lineno or child.lineno)
        ]
        scope = next((child for child in inner if isinstance(child, (*_LOOPS, *_FUNCTIONS))), scope)
        found = [child for child in inner if isinstance(child, ast.stmt)] or found
        nodes = inner
    return found, scope


def _slice(statements: Sequence[ast.stmt], scope: ast.AST) -> tuple[list[_Assignment], set[str]]:
    """Return the assignments up to `statements` that they depend on, and the names that all of them read."""
    last = max(node.lineno for node in statements)
    before = [node for node in ast.walk(scope) if isinstance(node, _ASSIGNMENTS) and node.lineno <= last]
    wanted = set().union(*map(_names, statements))
    kept: list[_Assignment] = []
    for node in sorted(before, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        if _targets(node) & wanted:
            kept.append(node)
            wanted |= _names(node)
    return kept[::-1], wanted


def _targets(node: ast.AST) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    inner = [i for target in targets if target is not None for i in ast.walk(target)]
    return {i.id for i in inner if isinstance(i, ast.Name) and isinstance(i.ctx, ast.Store)}


def _names(node: ast.AST) -> set[str]:
    """Return the names that are read: `x`, and `self.x` for what an object has."""
    found = {i.id for i in ast.walk(node) if isinstance(i, ast.Name) and isinstance(i.ctx, ast.Load)}
    found |= {
        f"{i.value.id}.{i.attr}"
        for i in ast.walk(node)
        if isinstance(i, ast.Attribute) and isinstance(i.value, ast.Name)
    }
    return found | (_targets(node) if isinstance(node, ast.AugAssign) else set())


def _value(known: dict[str, Any], name: str) -> Any:
    first, _, attribute = name.partition(".")
    value = known.get(first)
    return getattr(value, "__dict__", {}).get(attribute) if attribute else value


def _tensors(torch: Any, known: dict[str, Any], name: str) -> list[Any]:
    """Return the tensors without gradients that a variable holds; of arrays, too."""
    value = _value(known, name)
    if type(value).__module__ == "numpy" and type(value).__name__ == "ndarray":
        return [torch.as_tensor(value)] if value.dtype.kind in "fiub" and value.size else []
    batch = hasattr(type(value), "to") and not isinstance(value, torch.nn.Module)  # as those of libraries have it
    if not batch and not isinstance(value, (torch.Tensor, dict, list, tuple)):
        return []
    found = [tensor for _, tensor in tensors_of(torch, value, name, 2)]
    return [t for t in found if t.is_cpu and t.grad_fn is None and not t.requires_grad and 1 < t.numel() <= _MOST]


def _harm(torch: Any, parts: list[Any]) -> Damage | None:
    return next((harm for part in parts if (harm := damage(torch, part)) is not None), None)


def _all_known(torch: Any, nodes: Sequence[ast.stmt], known: dict[str, Any], held: dict[str, list[Any]]) -> bool:
    """Return whether all that models were given here is among the variables that were looked at.

    Where none is called, something else was given all of them.
    """
    calls = [call for node in nodes for call in _calls(torch, node, known)]
    if not calls:
        return any(_counts(part) for parts in held.values() for part in parts)
    made = {name for node in nodes for name in _targets(node)}
    for call in calls:
        given_here = [*call.args, *(keyword.value for keyword in call.keywords)]
        read = [_names(argument) for argument in given_here]
        if not any(names & held.keys() for names in read):
            return False
        if not all(names & (held.keys() | made) for names in read if names):
            return False
        inner = [i for argument in given_here for i in ast.walk(argument) if isinstance(i, ast.Call)]
        if not all(_names(i) & held.keys() for i in inner):
            return False
    return True


def _calls(torch: Any, node: ast.stmt, known: dict[str, Any]) -> Iterator[ast.Call]:
    for inner in ast.walk(node):
        if not isinstance(inner, ast.Call):
            continue
        name = (
            next(iter(_names(inner.func) - {"self"}), "") if isinstance(inner.func, ast.Name) else _dotted(inner.func)
        )
        value = _value(known, name)
        if isinstance(value, torch.nn.Module) and next(value.parameters(), None) is not None:
            yield inner


def _dotted(node: ast.expr) -> str:
    return (
        f"{node.value.id}.{node.attr}" if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ""
    )


def _counts(part: Any) -> bool:
    """Return whether a tensor may be what a model was given: classes are one whole number for each sample."""
    return bool(part.is_floating_point()) or part.dim() > 1
