"""One entry of the catalogue, ready to be matched: regular expressions are compiled when they are first needed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from otel_mldebug.rules.catalogue.conditions import Condition
from otel_mldebug.rules.catalogue.evidence import parse
from otel_mldebug.rules.facts import Value
from otel_mldebug.semconv.names import Category, Severity

GRAM, STRIDE = 5, 3
"""Of a message, every third run of five characters is looked up."""
KEY = GRAM + STRIDE - 1
"""Characters of a fixed piece by which the index finds an expression: in any seven lies one of those runs."""
COMMON = " etaoinsrhldcumfpgwybvkxjqz"
"""Characters of English, the commonest first."""
MESSAGE, TYPE, GENERAL, STRUCTURE = 3, 2, 1, 0
"""Tiers, the most telling last to first: matched by message, by type alone, by a catch-all, by structure."""


@lru_cache(maxsize=1024)
def compiled(expression: str) -> re.Pattern[str]:
    """Return the compiled expression; each is compiled once, at its first use."""
    return re.compile(expression, re.IGNORECASE)


class Match(NamedTuple):
    """Conditions that must all hold. A tuple, because thousands of them are made when the catalogue is loaded.

    Attributes:
        types: Names, one of which must be the class or a base of it; any class when empty.
        message: Regular expression that the message must contain; any message when empty.
        literals: Fixed pieces of that expression in lower case, the longest first: all must be in the message.
        key: Rare part of a piece, by which the index finds this.
        tier: `MESSAGE` … `STRUCTURE`.
        weight: Fixed characters plus a bonus for each further condition: the heavier of one tier wins.
        cause: Regular expression that `TYPE: MESSAGE` of some cause must contain.
        library: Top-level packages, one of which must have raised.
        where: Pieces of the innermost library frame's path.
        code: Values that `errno`, `status`, `signal` or `exit_code` must have, as text with `?` wildcards.
    """

    types: Sequence[str] = ()
    message: str = ""
    literals: Sequence[str] = ()
    key: str = ""
    tier: int = MESSAGE
    weight: int = 0
    cause: str = ""
    library: Sequence[str] = ()
    where: Sequence[str] = ()
    code: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A value to read out of the message.

    Attributes:
        kind: Its type, a key of `evidence.PARSERS`.
        find: Expression that finds it; empty for a named group of the entry's own expression.
        needs: A piece in lower case that every text has in which `find` finds something; empty when there is none.
    """

    kind: str
    find: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What an entry says instead when `conditions` hold."""

    conditions: tuple[Condition, ...]
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pattern:
    """One entry of the catalogue; `otel_mldebug.rules.catalogue` documents the fields."""

    id: str
    category: Category
    severity: Severity
    retryable: bool
    summary: str
    cause: str
    solutions: tuple[str, ...]
    prevention: str
    docs: str
    source: str
    confidence: float
    basis: str
    over_cause: bool
    yields: float = 0.0
    matches: tuple[Match, ...]
    evidence: Mapping[str, Evidence]
    variants: tuple[Variant, ...]
    origin: str = ""
    """File and place of the entry, for `patterns list`."""

    @classmethod
    def of(cls, normal: Mapping[str, Any]) -> "Pattern":
        """Build a pattern from the normal form that `schema.normal` makes and `compiled.json` holds."""
        return cls(
            **{
                **normal,
                "category": Category(normal["category"]),
                "severity": Severity(normal["severity"]),
                "solutions": tuple(normal["solutions"]),
                "matches": tuple(Match(*match) for match in normal["matches"]),
                "evidence": {k: Evidence(kind=v[0], find=v[1], needs=v[2]) for k, v in normal["evidence"].items()},
                "variants": tuple(
                    Variant(conditions=tuple(Condition(*c) for c in v["conditions"]), changes=v["changes"])
                    for v in normal["variants"]
                ),
            }
        )


def evidence_in(pattern: Pattern, found: "re.Match[str] | None", text: str, lowered: str) -> dict[str, Value]:
    """Return the evidence of `pattern` in the message `text`; `found` is the match of its expression."""
    values: dict[str, Value] = {}
    groups = found.groupdict() if found is not None else {}
    for name, raw in groups.items():
        kind = pattern.evidence[name].kind if name in pattern.evidence else "text"
        if raw is not None and (value := parse(kind, raw)) is not None:
            values[name] = value
    for name, evidence in pattern.evidence.items():
        if name in values or not evidence.find or evidence.needs not in lowered:
            continue
        hit = compiled(evidence.find).search(text)
        if hit is not None and (value := parse(evidence.kind, hit.group(1) or "")) is not None:
            values[name] = value
    return values
