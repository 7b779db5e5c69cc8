"""The comparisons in `when`: `unused_bytes >= 512 MiB and device == "cuda:0"`."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from otel_mldebug.rules.catalogue.evidence import parse
from otel_mldebug.rules.facts import Value

OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_COMPARISON = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(<=|>=|==|!=|<|>)\s*(.+?)\s*")


class Condition(NamedTuple):
    """One comparison: the name of evidence, an operator, and a constant or (`other` set) the name of other evidence."""

    name: str
    op: str
    constant: str | int | float
    other: str = ""


def parse_conditions(text: str, known: Sequence[str]) -> tuple[Condition, ...]:
    """Return the comparisons in `text`.

    Args:
        text: Comparisons joined by ` and `.
        known: Names of the entry's evidence.

    Raises:
        ValueError: the text is not of that form, or names evidence that the entry does not have.
    """
    conditions = []
    for part in text.split(" and "):
        found = _COMPARISON.fullmatch(part)
        if found is None:
            raise ValueError(f"{part.strip()!r} is not of the form NAME OP VALUE")
        name, op, value = found.groups()
        if name not in known:
            raise ValueError(f"{name!r} is not evidence of this entry ({', '.join(known) or 'it has none'})")
        if value in known:
            conditions.append(Condition(name, op, "", value))
        elif value[0] in "\"'" and value[-1] == value[0] and len(value) > 1:
            conditions.append(Condition(name, op, value[1:-1]))
        elif value[0].isdigit() or value[0] == "-":
            amount = parse("bytes", value) if value[-1].isalpha() else parse("float", value)
            conditions.append(Condition(name, op, amount if isinstance(amount, (int, float)) else value))
        else:
            raise ValueError(f"{value!r} is neither a number, nor a text in quotes, nor evidence of this entry")
    return tuple(conditions)


def hold(conditions: Sequence[Condition], evidence: Mapping[str, Value]) -> bool:
    """Return whether all comparisons hold; one with missing evidence or with values that do not compare does not."""
    for condition in conditions:
        left = evidence.get(condition.name)
        right = evidence.get(condition.other) if condition.other else condition.constant
        if left is None or right is None or isinstance(left, str) != isinstance(right, str):
            return False
        if isinstance(left, tuple) != isinstance(right, tuple):
            return False
        if not OPERATORS[condition.op](left, right):
            return False
    return True
