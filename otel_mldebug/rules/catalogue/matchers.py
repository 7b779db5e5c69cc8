"""Checks the `match` alternatives of an entry and works out how telling each is."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from otel_mldebug.rules.catalogue import regexes
from otel_mldebug.rules.catalogue.pattern import GENERAL, MESSAGE, STRUCTURE, TYPE, Match

if TYPE_CHECKING:
    from otel_mldebug.rules.catalogue.schema import Entry

FIELDS = {"type", "message", "cause", "library", "where", "code"}
_CODES = ("errno", "status", "signal", "exit_code")
_BONUS = 12
"""Fixed characters that a further condition counts as."""

__all__ = ["GENERAL", "MESSAGE", "STRUCTURE", "TYPE", "checked", "normal"]


def normal(entry: "Entry", *, general: bool, structure: bool) -> tuple[list[Match], set[str]]:
    """Return the alternatives in normal form, and the names of the groups in their expressions.

    Raises:
        ConfigError: one is wrong; the message names it.
    """
    given = entry.table.get("match")
    if not isinstance(given, list) or not given or not all(isinstance(item, dict) for item in given):
        raise entry.wrong("match", given, "a list of tables, such as match = [{ message = 'CUDA out of memory' }]")
    matches: list[Match] = []
    groups: set[str] = set()
    for number, table in enumerate(given, start=1):
        label = f"match {number}"
        if unknown := sorted(set(table) - FIELDS):
            raise entry.wrong(f"{label}: {unknown[0]}", table[unknown[0]], f"one of {', '.join(sorted(FIELDS))}")
        if not table:
            raise entry.wrong(label, table, "at least one condition")
        rest = _conditions(entry, label, table)
        for expression in _listed(entry, f"{label}: message", table.get("message", "")) or [""]:
            if expression:
                groups |= set(checked(entry, f"{label}: message", expression).groupindex)
            tier = STRUCTURE if structure else GENERAL if general else MESSAGE if expression else TYPE
            for lead in _leads(entry, f"{label}: message", expression, rest) if expression else [regexes.Lead(())]:
                match = {**rest, "tier": tier, **({"message": expression} if expression else {})}
                if lead.pieces:
                    match |= {"literals": list(lead.pieces), "key": regexes.key(lead.pieces)}
                match["needs"] = lead.needs
                matches.append(Match(**match, weight=_weight(match)))
    return matches, groups


def _leads(entry: "Entry", label: str, expression: str, rest: dict[str, Any]) -> Sequence[regexes.Lead]:
    """Return what leads to the expression; where it has no fixed pieces its class must."""
    found = regexes.leads(expression)
    if not all(lead.pieces for lead in found) and "types" not in rest:
        wanted = f"a fixed piece of at least {regexes.MIN_LITERAL} characters (in every branch), or a `type` beside it"
        raise entry.wrong(label, expression, wanted)
    return found


def _conditions(entry: "Entry", label: str, table: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, key in (("type", "types"), ("library", "library"), ("where", "where")):
        if name in table and (values := _listed(entry, f"{label}: {name}", table[name])):
            out[key] = values
    if cause := table.get("cause", ""):
        checked(entry, f"{label}: cause", cause)
        out["cause"] = cause
    if "code" in table:
        out["code"] = _codes(entry, f"{label}: code", table["code"])
    return out


def _codes(entry: "Entry", label: str, given: Any) -> dict[str, list[str]]:
    if not isinstance(given, dict) or not given or not set(given) <= set(_CODES):
        raise entry.wrong(label, given, f"a table of {', '.join(_CODES)}, such as {{ errno = [28] }}")
    codes = {}
    for name, value in given.items():
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(v, int) or (isinstance(v, str) and re.fullmatch(r"[\d?-]+", v)) for v in values):
            raise entry.wrong(f"{label}.{name}", value, 'numbers, or text with ? for any digit, such as "5??"')
        codes[name] = [str(v) for v in values]
    return codes


def _listed(entry: "Entry", label: str, given: Any) -> list[str]:
    values = [given] if isinstance(given, str) else given
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise entry.wrong(label, given, "a text or a list of texts")
    return [value for value in values if value]


def checked(entry: "Entry", label: str, expression: Any) -> "re.Pattern[str]":
    """Return the compiled expression.

    Raises:
        ConfigError: it is not one, or could run away on hostile text.
    """
    if not isinstance(expression, str):
        raise entry.wrong(label, expression, "a regular expression in quotes")
    try:
        pattern = re.compile(expression, re.IGNORECASE)
        why = regexes.danger(expression)
    except (re.error, RecursionError, OverflowError) as exc:
        raise entry.wrong(label, expression, f"a regular expression Python understands ({exc})") from None
    if why:
        raise entry.wrong(label, expression, f"an expression that is fast on any text; this one has {why}")
    return pattern


def _weight(match: dict[str, Any]) -> int:
    weight = sum(len(piece) for piece in match.get("literals", ()))
    if types := match.get("types"):
        weight += 4 if any("*" in name for name in types) else _BONUS
    codes = [value for values in match.get("code", {}).values() for value in values]
    weight += _BONUS // 2 if any("?" in value for value in codes) else _BONUS * bool(codes)
    return weight + _BONUS * sum(1 for key in ("cause", "library", "where") if key in match)
