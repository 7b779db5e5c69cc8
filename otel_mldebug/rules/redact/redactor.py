"""`Redactor`: a frozen configuration, and the methods that everything else in the package calls."""

import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from otel_mldebug.errors import ConfigError
from otel_mldebug.rules.redact import exposing, pairs, text
from otel_mldebug.rules.redact.exposure import Exposure, Place, message
from otel_mldebug.rules.redact.keys import HARMLESS, KeyClass, Secrecy, classify, words_of
from otel_mldebug.rules.redact.marks import Mark, marker
from otel_mldebug.rules.redact.structure import Walker

_KIND = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
MAX_REMEMBERED, MAX_TEXTS = 4096, 1024
"""Characters of a text whose result is remembered, and how many such results: failures and attributes come again."""
_counting = threading.Lock()
"""Held while a replacement is counted, by whichever redactor."""


def _after_fork() -> None:
    global _counting
    _counting = threading.Lock()  # another thread of the parent may hold the old one, and never let go of it here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redactor:
    """Replaces secrets in texts and values by markers such as `[redacted:github-token]`.

    One object may be used by any number of threads.

    Attributes:
        enabled: False passes everything through unchanged.
        patterns: Further secrets as (kind, regular expression). Of a match the group named `secret` goes, or the
            whole match where there is no such group. The kind is what the marker says: small letters, digits, hyphens.
        keys: Further keys whose values are secret, in any spelling: `employee_number` is `employeeNumber` too.
        exempt_keys: Keys whose values stay although their names look secret.
        exempt_patterns: Regular expressions of finds that stay; one match anywhere in the find is enough.
        max_depth: Levels of nesting that are looked into; what is deeper is left out.
        max_values: Values in one structure that are looked at; what comes after them is left out.
        exposure: How much is shown of what is private, though no secret; holds when `enabled` is False, too.
        place: Where the program runs: what paths are shortened against.
        counts: Replacements so far, by kind.

    Raises:
        ConfigError: an entry cannot be used; the message names it.
    """

    enabled: bool = True
    patterns: tuple[tuple[str, str], ...] = ()
    keys: tuple[str, ...] = ()
    exempt_keys: tuple[str, ...] = ()
    exempt_patterns: tuple[str, ...] = ()
    max_depth: int = 32
    max_values: int = 100_000
    exposure: Exposure = Exposure.FULL
    place: Place = field(default_factory=Place)
    counts: Counter[str] = field(default_factory=Counter, init=False, compare=False)
    _more: tuple[tuple[str, re.Pattern[str]], ...] = field(default=(), init=False, compare=False, repr=False)
    _exempt: tuple[re.Pattern[str], ...] = field(default=(), init=False, compare=False, repr=False)
    _classify: Callable[[str], KeyClass] = field(default=classify, init=False, compare=False, repr=False)
    _find: re.Pattern[str] = field(default=pairs.FIND, init=False, compare=False, repr=False)
    _known: dict[tuple[int, int], tuple[str, tuple[str, ...]]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        more = tuple((_kind(name), _compile(f"redaction pattern {name!r}", source)) for name, source in self.patterns)
        exempt = tuple(_compile(f"redaction exemption {i}", s) for i, s in enumerate(self.exempt_patterns, 1))
        object.__setattr__(self, "_more", more)
        object.__setattr__(self, "_exempt", exempt)
        if self.keys or self.exempt_keys:
            stems = tuple(max(_words("redaction key", key), key=len) for key in self.keys)
            object.__setattr__(self, "_find", pairs.finder(stems))
            object.__setattr__(self, "_classify", _classifier(self.keys, self.exempt_keys))

    def text(self, value: str) -> str:
        """Return `value` without its secrets. Linear in its length; redacting twice changes nothing more."""
        return message(self._without_secrets(value), self.exposure, self.place)

    def _without_secrets(self, value: str) -> str:
        if not self.enabled or not value:
            return value
        if len(value) > MAX_REMEMBERED:
            return self._redacted(value, [])
        mark = hash(value), len(value)  # no secret stays in memory for this
        known = self._known.get(mark)
        if known is not None:
            self._count(known[1])
            return known[0]
        kinds: list[str] = []
        redacted = self._redacted(value, kinds)
        if len(self._known) >= MAX_TEXTS:
            self._known.clear()
        self._known[mark] = redacted, tuple(kinds)
        return redacted

    def _redacted(self, value: str, kinds: list[str]) -> str:
        """Return `value` without its secrets, and add what kinds they were of to `kinds`."""
        mark = partial(self._marked, kinds)
        for kind, pattern in self._more:
            value = pattern.sub(partial(self._replace, kind, mark), value)
        value = text.redact(value, mark, classify=self._classify, find=self._find)
        self._count(kinds)
        return value

    def value(self, value: Any) -> Any:
        """Return the JSON-like `value` without its secrets; containers are copied, never changed. Never raises."""
        if not self._changes:
            return value
        return exposing.value(self._walker().walk(value), self.exposure, self.place)

    def item(self, key: str, value: Any) -> Any:
        """Return `value`, found under `key`, without its secrets: an argument, a local, an attribute, a header.

        None stands for "leave it out": a host name, for one, at an exposure of none.
        """
        if not self._changes:
            return value
        named = isinstance(key, str)
        found = self._walker().walk(value, self._classify(key) if named and self.enabled else HARMLESS)
        return exposing.item(key if named else "", found, self.exposure, self.place)

    def argv(self, arguments: Iterable[str]) -> list[str]:
        """Return a command line without its secrets, the values after `--api-key` and the like included."""
        redacted: list[str] = self.value(list(arguments))
        return [] if self.exposure is Exposure.NONE else redacted

    def environ(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return environment variables without their secrets."""
        redacted: dict[str, str] = self.value(dict(variables))
        return redacted

    @property
    def total(self) -> int:
        """Replacements so far, of all kinds."""
        return sum(tuple(self.counts.values()))  # a copy first: another thread may add a kind meanwhile

    @property
    def _changes(self) -> bool:
        return self.enabled or self.exposure is not Exposure.FULL

    def _walker(self) -> Walker:
        bounds = {"depth": self.max_depth, "values": self.max_values}
        if not self.enabled:  # a plain copy, for exposure to look at
            return Walker(str, lambda kind, found: found, lambda key: HARMLESS, **bounds)
        return Walker(self._without_secrets, self._mark, self._classify, **bounds)

    def _mark(self, kind: str, secret: str) -> str:
        kinds: list[str] = []
        shown = self._marked(kinds, kind, secret)
        self._count(kinds)
        return shown

    def _marked(self, kinds: list[str], kind: str, secret: str) -> str:
        for pattern in self._exempt:
            if pattern.search(secret):
                return secret
        kinds.append(kind)
        return marker(kind)

    def _count(self, kinds: Sequence[str]) -> None:
        if kinds:
            counts = self.counts
            with _counting:
                for kind in kinds:  # `Counter.update` takes three times as long for so few
                    counts[kind] = counts.get(kind, 0) + 1

    def _replace(self, kind: str, mark: Mark, found: re.Match[str]) -> str:
        group = "secret" if found.re.groupindex.get("secret") and found["secret"] is not None else 0
        start, stop = (position - found.start() for position in found.span(group))
        return found[0][:start] + mark(kind, found[group]) + found[0][stop:] if found[group] else found[0]


def _kind(name: str) -> str:
    if not _KIND.fullmatch(name):
        raise ConfigError("name of a redaction pattern", name, expected="small letters, digits and hyphens, 40 at most")
    return name


def _compile(setting: str, source: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(source)
    except (re.error, TypeError, OverflowError, RecursionError) as exc:
        expected = f"a regular expression of Python's re module ({exc}); correct it or take the entry out"
        raise ConfigError(setting, source, expected=expected) from None
    if pattern.match(""):
        raise ConfigError(setting, source, expected="a regular expression that does not match an empty text")
    return pattern


def _words(setting: str, key: str) -> tuple[str, ...]:
    words = tuple(words_of(key)) if isinstance(key, str) else ()
    if not words:
        raise ConfigError(setting, key, expected="the name of a key, with at least one letter")
    return words


def _classifier(keys: tuple[str, ...], exempt_keys: tuple[str, ...]) -> Callable[[str], KeyClass]:
    """`classify` with the configured keys and exemptions before it."""
    known = dict.fromkeys([_words("redaction key", key) for key in keys], KeyClass(Secrecy.STRONG, "configured-key"))
    known.update(dict.fromkeys([_words("exempt redaction key", key) for key in exempt_keys], HARMLESS))

    @lru_cache(maxsize=8192)
    def classify_configured(key: str) -> KeyClass:
        found = known.get(tuple(words_of(key)))
        return classify(key) if found is None else found

    return classify_configured


DEFAULT = Redactor()
"""The redactor for everything that leaves the process unless another one is configured."""
