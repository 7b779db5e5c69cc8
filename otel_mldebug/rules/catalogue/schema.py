"""Checks one entry of a pattern file, field by field, and brings it into the normal form that is loaded."""

import difflib
import re
from collections.abc import Callable, Mapping, Set
from functools import partial
from typing import Any, TypeVar

from otel_mldebug.errors import ConfigError
from otel_mldebug.rules.catalogue import matchers, regexes
from otel_mldebug.rules.catalogue.conditions import parse_conditions
from otel_mldebug.rules.catalogue.evidence import PARSERS
from otel_mldebug.semconv.names import Category, Severity

Table = Mapping[str, Any]
T = TypeVar("T")

_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
_PLACEHOLDER = re.compile(r"\{([a-z_0-9]+)\}")
_FIELDS = {
    "id", "category", "severity", "retryable", "summary", "cause", "solutions", "prevention", "docs", "source",
    "confidence", "basis", "general", "yields", "over_cause", "inner", "match", "evidence", "when",
}  # fmt: skip
ALWAYS = ("type", "errno", "status", "signal", "exit_code")
"""Placeholders that need no evidence of the entry's own; all but `{type}` may be missing."""
_VARIANT_FIELDS = {"if", "summary", "cause", "solutions", "prevention", "category", "severity", "retryable"}
_CONFIDENCE = {matchers.MESSAGE: 0.95, matchers.TYPE: 0.85, matchers.GENERAL: 0.7, matchers.STRUCTURE: 0.5}


class Entry:
    """One entry while it is checked: knows where it stands, so that every complaint can say so."""

    def __init__(self, table: Table, where: str) -> None:
        self.table, self.where = table, where
        self.problems: list[ConfigError] = []

    def check(self, read: Callable[[], T], otherwise: T) -> T:
        """Return what `read` returns; a complaint of its is kept, so that the other fields are read too."""
        try:
            return read()
        except ConfigError as exc:
            self.problems.extend(exc.each)
            return otherwise

    def check_names(self, known: Set[str]) -> None:
        """Complain of each field that does not exist."""
        for name in sorted(set(self.table) - known):
            if name in matchers.FIELDS:
                expected = f"it inside match, such as match = [{{ {name} = … }}]"
            elif near := difflib.get_close_matches(name, known, 1):
                expected = f"the field {near[0]}"
            else:
                expected = f"one of the fields {', '.join(sorted(known))}"
            self.problems.append(self.wrong(name, self.table[name], expected))

    def wrong(self, name: str, given: object, expected: str) -> ConfigError:
        """Return the error for field `name`."""
        return ConfigError(f"{self.where}: {name}", given, expected=expected)

    def text(self, name: str, *, required: bool = False) -> str:
        """Return a text field."""
        value = self.table.get(name, "")
        if not isinstance(value, str):
            raise self.wrong(name, value, "text in quotes")
        if required and not value.strip():
            raise self.wrong(name, value, "text; every entry needs this field")
        return value

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """Return a field that has one of a few values."""
        value = self.table.get(name, default)
        if value not in allowed:
            raise self.wrong(name, value, f"one of {', '.join(allowed)}")
        return str(value)

    def flag(self, name: str) -> bool:
        """Return a field that is true or false; false when left out."""
        value = self.table.get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(name, value, "true or false, without quotes")
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of texts."""
        value = self.table.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            raise self.wrong(name, value, 'a list of texts, such as ["Do this.", "Or that."]')
        return value


def normal(table: Any, where: str, *, complete: bool) -> dict[str, Any]:
    """Return the entry in the form that `Pattern` takes.

    Args:
        table: The entry as TOML gave it.
        where: File and number of the entry, for messages.
        complete: Whether every field that a person reads must be there, as in our own files.

    Raises:
        ConfigError: something is wrong; the message names, for each mistake, entry, field, what was given and what is
            wanted.
    """
    if not isinstance(table, dict):
        raise ConfigError(where, table, expected="a table: [[pattern]] and its fields below")
    given_id = table.get("id")
    if isinstance(given_id, str) and given_id:
        where = f"{where} ({given_id})"
    entry = Entry(table, where)
    entry.check_names(_FIELDS)
    if not isinstance(given_id, str) or not _ID.fullmatch(given_id):
        entry.problems.append(entry.wrong("id", given_id, "a dotted name in lower case, such as 'cuda.oom'"))
    basis = entry.check(lambda: entry.choice("basis", "pattern", ("pattern", "structure")), "pattern")
    general = entry.check(lambda: entry.flag("general"), False)
    found = entry.check(lambda: matchers.normal(entry, general=general, structure=basis == "structure"), None)
    matches, groups = found or ([], set())
    evidence = entry.check(lambda: _evidence(entry, groups), None) if found else None
    best = max((match.tier for match in matches), default=matchers.MESSAGE)
    none: list[Any] = []
    texts = ("cause", "prevention", "docs", "source")
    out: dict[str, Any] = {
        "id": given_id,
        "category": entry.check(lambda: entry.choice("category", "", tuple(str(c) for c in Category)), ""),
        "severity": entry.check(lambda: entry.choice("severity", "error", tuple(str(s) for s in Severity)), ""),
        "retryable": entry.check(lambda: entry.flag("retryable"), False),
        **{name: entry.check(partial(entry.text, name, required=complete), "") for name in texts},
        "summary": entry.check(lambda: entry.text("summary", required=True), ""),
        "solutions": entry.check(lambda: _solutions(entry, 2 if complete else 1), none),
        "confidence": entry.check(lambda: _confidence(entry, _CONFIDENCE[best]), 0.0),
        "basis": basis,
        "over_cause": entry.check(lambda: entry.flag("over_cause"), False),
        "yields": entry.check(lambda: _yields(entry), 0.0),
        "inner": entry.check(lambda: _inner(entry), ""),
        "matches": matches,
        "evidence": evidence,
        "variants": [] if evidence is None else entry.check(lambda: _variants(entry, evidence), none),
    }
    if out["docs"] and not out["docs"].startswith("https://"):
        entry.problems.append(entry.wrong("docs", out["docs"], "a link that begins with https://"))
    if evidence is not None:
        entry.check(lambda: check_templates(entry, out, evidence), None)
    if entry.problems:
        raise ConfigError.of(entry.problems)
    return out


def _solutions(entry: Entry, least: int) -> list[str]:
    found = entry.texts("solutions")
    if len(found) < least:
        raise entry.wrong("solutions", found, f"at least {'two' if least > 1 else 'one'}, the likeliest first")
    return found


def _confidence(entry: Entry, default: float) -> float:
    value = entry.table.get("confidence", default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise entry.wrong("confidence", value, "a number from 0 to 1")
    return float(value)


def _yields(entry: Entry) -> float:
    value = entry.table.get("yields", 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise entry.wrong("yields", value, "a number: the weight of words above which their category counts")
    return float(value)


def _inner(entry: Entry) -> str:
    expression = entry.text("inner")
    if expression and matchers.checked(entry, "inner", expression).groups != 1:
        raise entry.wrong("inner", expression, "a regular expression with exactly one group in ( )")
    return expression


def _evidence(entry: Entry, groups: set[str]) -> dict[str, list[str]]:
    table = entry.table.get("evidence", {})
    if not isinstance(table, dict):
        raise entry.wrong("evidence", table, 'a table, such as evidence = { requested_bytes = "bytes" }')
    found = {group: ["text", "", ""] for group in sorted(groups)}
    for name, given in table.items():
        label = f"evidence.{name}"
        if isinstance(given, str):
            kind, find = given, ""
            if name not in groups:
                raise entry.wrong(
                    label, given, f"a group named (?P<{name}>…) in `message`, or a table with find and as"
                )
        elif isinstance(given, dict) and set(given) <= {"find", "as"} and isinstance(given.get("find"), str):
            kind, find = given.get("as", "text"), given["find"]
            if matchers.checked(entry, f"{label}.find", find).groups != 1:
                raise entry.wrong(f"{label}.find", find, "a regular expression with exactly one group in ( )")
        else:
            raise entry.wrong(label, given, "a type, or { find = 'regex with one group', as = \"TYPE\" }")
        if kind not in PARSERS:
            raise entry.wrong(label, kind, f"one of the types {', '.join(PARSERS)}")
        needs = regexes.literals(find)[:1] if find else ()
        found[name] = [kind, find, *(needs or [""])]
    return found


def _variants(entry: Entry, evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = entry.table.get("when", [])
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise entry.wrong("when", given, 'a list of tables, such as [{ if = "free_bytes < 1 GiB", cause = "…" }]')
    variants = []
    for number, table in enumerate(given, start=1):
        part = Entry(table, f"{entry.where}: when {number}")
        part.check_names(_VARIANT_FIELDS)
        if part.problems:
            raise ConfigError.of(part.problems)
        try:
            conditions = parse_conditions(part.text("if", required=True), (*ALWAYS[1:], *evidence))
        except ValueError as exc:
            raise part.wrong("if", table["if"], f"comparisons of evidence, but {exc}") from None
        changes: dict[str, Any] = {k: part.text(k) for k in ("summary", "cause", "prevention") if k in table}
        if "solutions" in table:
            changes["solutions"] = part.texts("solutions")
        if "category" in table:
            changes["category"] = part.choice("category", "", tuple(str(c) for c in Category))
        if "severity" in table:
            changes["severity"] = part.choice("severity", "", tuple(str(s) for s in Severity))
        if "retryable" in table:
            changes["retryable"] = part.flag("retryable")
        check_templates(part, changes, evidence)
        variants.append({"conditions": [list(c) for c in conditions], "changes": changes})
    return variants


def check_templates(entry: Entry, texts: Table, evidence: Mapping[str, Any]) -> None:
    """Check that every `{name}` is evidence of the entry, and optional where it may be missing.

    Raises:
        ConfigError: one is not.
    """
    for name in ("summary", "cause", "prevention", "solutions"):
        for text in [texts[name]] if isinstance(texts.get(name), str) else texts.get(name, []):
            for placeholder in _PLACEHOLDER.findall(text):
                if placeholder not in (*ALWAYS, *evidence):
                    known = ", ".join(f"{{{known}}}" for known in (*ALWAYS, *evidence))
                    raise entry.wrong(name, text, f"only the placeholders {known}")
            always = re.sub(r"\[\[.*?\]\]", "", text)
            bare = [p for p in _PLACEHOLDER.findall(always) if p != "type"]
            if bare and name != "solutions":
                raise entry.wrong(name, text, f"{{{bare[0]}}} inside [[ ]], because its evidence may be missing")
