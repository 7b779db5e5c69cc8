"""One entry of the catalogue, ready to be matched: regular expressions are compiled when they are first needed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from otel_mldebug.rules.catalogue.conditions import Condition
from otel_mldebug.rules.catalogue.evidence import parse
from otel_mldebug.rules.facts import Value
from otel_mldebug.semconv.names import Category, Severity

T = TypeVar("T")
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
        literals: Fixed pieces of it in lower case, that with `key` in it first: all must be in the message.
        needs: Sets of further pieces in lower case: one of each set must be in the message.
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
    needs: Sequence[Sequence[str]] = ()
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


class _Field(Generic[T]):
    """A value of an entry that is what it is in its normal form."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, entry: "Pattern", owner: type) -> T:
        value: T = entry._normal[self._name]
        return value


class Pattern:
    """One entry of the catalogue; `otel_mldebug.rules.catalogue` documents the fields.

    It is read out of its normal form, which `schema.normal` makes and `compiled.json` holds, when it is asked for: of
    hundreds of entries that are loaded, a failure needs what one of them says.

    Attributes:
        id: Dotted name; the rule of the findings.
        summary: Template of the one-sentence summary.
        cause: Template of the likely cause.
        prevention: Template of what keeps it from coming back.
        docs: Link to documentation.
        source: Where the expressions were taken from.
        basis: `pattern` or `structure`.
        confidence: From 0 to 1.
        retryable: Whether the same call can plausibly succeed.
        over_cause: Whether this wrapper knows more than what it wraps.
        yields: Weight of words above which their category counts.
        inner: Expression whose group is a message of its own inside the message; empty where there is none.
    """

    id = _Field[str]()
    summary = _Field[str]()
    cause = _Field[str]()
    prevention = _Field[str]()
    docs = _Field[str]()
    source = _Field[str]()
    basis = _Field[str]()
    confidence = _Field[float]()
    retryable = _Field[bool]()
    over_cause = _Field[bool]()
    yields = _Field[float]()
    inner = _Field[str]()

    def __init__(self, normal: Mapping[str, Any]) -> None:
        self._normal = normal

    @property
    def origin(self) -> str:
        """File and place of the entry, for `patterns list`."""
        return str(self._normal.get("origin", ""))

    @cached_property
    def matches(self) -> tuple[Match, ...]:
        """Alternatives: conditions that must all hold, for one of them."""
        return tuple([Match(*match) for match in self._normal["matches"]])

    @cached_property
    def category(self) -> Category:
        """Category of the findings."""
        return Category(self._normal["category"])

    @cached_property
    def severity(self) -> Severity:
        """Severity of the findings."""
        return Severity(self._normal["severity"])

    @cached_property
    def solutions(self) -> tuple[str, ...]:
        """Templates of the remedies, the likeliest first."""
        return tuple(self._normal["solutions"])

    @cached_property
    def evidence(self) -> Mapping[str, Evidence]:
        """What is to be read out of the message, by name."""
        return {k: Evidence(kind=v[0], find=v[1], needs=v[2]) for k, v in self._normal["evidence"].items()}

    @cached_property
    def variants(self) -> tuple[Variant, ...]:
        """What it says instead under conditions; the first that holds counts."""
        return tuple(
            Variant(conditions=tuple(Condition(*c) for c in v["conditions"]), changes=v["changes"])
            for v in self._normal["variants"]
        )


def evidence_in(pattern: Pattern, found: "re.Match[str] | None", text: str, lowered: str) -> dict[str, Value]:
    """Return the evidence of `pattern` in the message `text`; `found` is the match of its expression."""
    values: dict[str, Value] = {}
    groups = found.groupdict() if found is not None else {}
    wanted = pattern.evidence
    for name, raw in groups.items():
        kind = wanted[name].kind if name in wanted else "text"
        if raw is not None and (value := parse(kind, raw)) is not None:
            values[name] = value
    for name, evidence in wanted.items():
        if name in values or not evidence.find or evidence.needs not in lowered:
            continue
        hit = compiled(evidence.find).search(text)
        if hit is not None and (value := parse(evidence.kind, hit.group(1) or "")) is not None:
            values[name] = value
    return values
