"""Reads a regular expression before it is used: its fixed pieces, and whether it can run away on hostile text."""

import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from otel_mldebug.rules.catalogue.index import COMMON, KEY

_parser: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

UNBOUNDED = 4096
"""Width that `*` and `+` count as: no message is compared beyond this many characters."""
MAX_PATHS = 1_000_000
"""Ways in which the variable parts of one expression may share out a text, at most."""
MIN_LITERAL = 3
TELLING = 7
"""Characters from which on a fixed piece leads to an expression; where it is shorter, its branches do."""
MIN_CHOICE, MAX_CHOICES = 2, 24
"""Characters of a piece of which a text needs one of several, and how many of them are worth looking for."""
_RARE = len(COMMON) + 1

_VARIABLE = ("MAX_REPEAT", "MIN_REPEAT")
_WIDE = frozenset(chr(code) for code in range(128))
_CATEGORIES = {
    "CATEGORY_DIGIT": "\\d", "CATEGORY_NOT_DIGIT": "\\D", "CATEGORY_SPACE": "\\s", "CATEGORY_NOT_SPACE": "\\S",
    "CATEGORY_WORD": "\\w", "CATEGORY_NOT_WORD": "\\W",
}  # fmt: skip


def literals(expression: str) -> tuple[str, ...]:
    """Return the fixed pieces that any text matching `expression` contains, in lower case, at most three.

    Raises:
        re.error: `expression` is not a regular expression.
    """
    return _pieces(_parser.parse(expression))


class Lead(NamedTuple):
    """What a text must contain to be searched for an expression, or for one branch of it.

    Attributes:
        pieces: Fixed pieces in lower case, the longest first: all of them. Empty when there are none.
        needs: Sets of further pieces: one of each.
    """

    pieces: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...] = ()


def leads(expression: str) -> list[Lead]:
    """Return what any text that matches `expression` contains: it fulfils one of the leads.

    There is one for each branch where the branches have longer pieces than what is around them. The other branches that
    a match must pass give the needs: with `(?:rows|lines) of the table .*(?:lost|gone)` nothing but a text that has
    `rows` or `lines`, and `lost` or `gone`, besides the fixed piece need be searched.

    Raises:
        re.error: `expression` is not a regular expression.
    """
    tree = _parser.parse(expression)
    fixed, forks = _pieces(tree), list(_forks(tree))
    choices = [[Lead(fixed, _needs(forks, fixed))]]
    if not fixed or len(fixed[0]) < TELLING:
        for fork in forks:
            found = [_pieces(branch) for branch in fork]
            if all(found):
                others = [other for other in forks if other is not fork]
                branches: dict[tuple[str, ...], Lead] = {}
                for pieces, branch in zip(found, fork, strict=True):
                    joined = _longest({*fixed, *pieces})
                    needs = _needs([*others, *_forks(branch)], joined)
                    # Two branches with the same pieces are one lead, and its needs must be those of both.
                    branches[joined] = Lead(joined, needs if joined not in branches else _needs(others, joined))
                choices.append(list(branches.values()))
    return max(choices, key=lambda found: min(len(lead.pieces[0]) if lead.pieces else 0 for lead in found))


def _needs(forks: Sequence[Sequence[Any]], known: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the pieces of which a text has one, for each fork that has such; `known` are looked for anyway."""
    found = []
    for fork in forks:
        each = [_pieces(branch, MIN_CHOICE)[:1] for branch in fork]
        pieces = tuple(dict.fromkeys(piece for one in each for piece in one))
        if all(each) and len(pieces) <= MAX_CHOICES and not any(piece in text for piece in pieces for text in known):
            found.append(pieces)
    return tuple(found)


def _pieces(tree: Sequence[Any], least: int = MIN_LITERAL) -> tuple[str, ...]:
    runs: list[str] = [""]
    _collect(tree, runs)
    return _longest({run.lower() for run in runs if len(run) >= least})


def _longest(pieces: set[str]) -> tuple[str, ...]:
    return tuple(sorted(pieces, key=lambda piece: (-len(piece), piece))[:3])


def _forks(tree: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield the branches of each fork that any match passes."""
    for op, argument in tree:
        if str(op) == "BRANCH":
            yield argument[1]
        elif str(op) == "SUBPATTERN":
            yield from _forks(argument[3])


def key(pieces: Sequence[str]) -> str:
    """Return five characters that every text with `pieces` in it contains: the rarest, so that few others do.

    A shorter piece is its own key.
    """
    longest = pieces[0]
    windows = [longest[place : place + KEY] for place in range(max(1, len(longest) - KEY + 1))]
    return max(windows, key=lambda window: sum(COMMON.find(char) % _RARE for char in window))


def _collect(items: Sequence[Any], runs: list[str]) -> None:
    for op, argument in items:
        name = str(op)
        if name == "LITERAL":
            runs[-1] += chr(argument)
        elif name == "SUBPATTERN":
            _collect(argument[3], runs)
        elif name in _VARIABLE and argument[0] >= 1:
            runs.append("")
            _collect(argument[2], runs)
            runs.append("")
        elif name != "AT":
            runs.append("")


def danger(expression: str) -> str:
    r"""Return why `expression` could take very long on hostile text, as a phrase; empty when it cannot.

    Two things are refused: a repeat with a variable number of rounds inside another repeat, and variable parts that
    could share out a text among them in more than `MAX_PATHS` ways. A repeat that ends where its successor
    begins (`\d+x`) has one way only.

    Raises:
        re.error: `expression` is not a regular expression.
    """
    tree = _parser.parse(expression)
    if _nested(tree, inside=False):
        return "a repeat inside a repeat, such as (a+)+; write it without the outer or the inner one"
    paths = _paths(list(tree))
    if paths > MAX_PATHS:
        return "several parts of variable width that can overlap; bound them, such as .{0,80} for .*"
    if tree and str(tree[0][0]) in _VARIABLE and _first([tree[0]]) == _WIDE:
        return "a wildcard at the beginning, which only slows the search down; leave it out"
    return ""


def _children(op: str, argument: Any) -> Iterator[Sequence[Any]]:
    if op == "SUBPATTERN":
        yield argument[3]
    elif op == "BRANCH":
        yield from argument[1]
    elif op in ("ASSERT", "ASSERT_NOT"):
        yield argument[1]
    elif op in _VARIABLE or op == "POSSESSIVE_REPEAT":
        yield argument[2]


def _nested(items: Sequence[Any], *, inside: bool) -> bool:
    for op, argument in items:
        name = str(op)
        variable = name in _VARIABLE and int(argument[0]) != int(argument[1])
        many = variable and int(argument[1]) > 1
        if variable and inside and int(argument[1]) > 1:
            return True
        if any(_nested(child, inside=inside or many) for child in _children(name, argument)):
            return True
    return False


def _paths(items: Sequence[Any]) -> int:
    """Return in how many ways the variable parts of a sequence can share out a text, at most."""
    total = 1
    for place, (op, argument) in enumerate(items):
        name = str(op)
        if name in _VARIABLE and int(argument[0]) != int(argument[1]):
            follow = items[place + 1 :]
            if not follow or _first([(op, argument)]) & _first(follow):
                total *= min(int(argument[1]), UNBOUNDED) - int(argument[0]) + 1 if follow else 1
        inner = [_paths(list(child)) for child in _children(name, argument)]
        total *= max(inner, default=1)
    return total


def _first(items: Sequence[Any]) -> frozenset[str]:
    """Return the ASCII characters that a match of the sequence can begin with."""
    found: frozenset[str] = frozenset()
    for op, argument in items:
        name = str(op)
        if name == "AT":
            continue
        here, optional = _first_of(name, argument)
        found |= here
        if not optional:
            return found
    return found or _WIDE


def _first_of(name: str, argument: Any) -> tuple[frozenset[str], bool]:
    if name == "LITERAL":
        return frozenset({chr(argument).lower(), chr(argument).upper()}), False
    if name == "NOT_LITERAL":
        return _WIDE - {chr(argument)}, False
    if name == "IN":
        return _class(argument), False
    if name in _VARIABLE:
        return _first(argument[2]), int(argument[0]) == 0
    if name == "SUBPATTERN":
        return _first(argument[3]), False
    if name == "BRANCH":
        return frozenset().union(*(_first(branch) for branch in argument[1])), False
    return _WIDE, False


def _class(items: Sequence[Any]) -> frozenset[str]:
    found: set[str] = set()
    negated = False
    for op, argument in items:
        name = str(op)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            found |= {chr(argument).lower(), chr(argument).upper()}
        elif name == "RANGE":
            found |= {chr(code) for code in range(argument[0], min(argument[1], 127) + 1)}
        elif name == "CATEGORY":
            found |= {char for char in _WIDE if re.match(_CATEGORIES[str(argument)], char)}
    return _WIDE - found if negated else frozenset(found)
