"""Finds the entry of the catalogue that says most about a failure."""

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from otel_mldebug.rules.catalogue.index import GRAM, KEY, STRIDE, Index, index_of
from otel_mldebug.rules.catalogue.pattern import Match, Pattern, compiled
from otel_mldebug.rules.codes import codes
from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.origin import library_frame, library_of

MAX_CAUSES = 32
MAX_CLASSES = 1024
"""Classes of exceptions for which the entries that ask for them are remembered."""
MAX_HEAD, MAX_TAIL = 3072, 1024
"""Characters of a message that are compared: its beginning and its end."""
_ASK_EVERY = 8
"""Asking a thread for its processor time costs as much as running an expression."""
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,256}(?:\x07|\x1b\\)|\x1b[@-_]")
_NATIVE = re.compile(
    r"^(?:Exception raised from .{1,300} \(most recent call first\):"
    r"|frame #\d{1,4}: .{0,2000}\+ 0x[0-9a-f]{1,16}\b.*)$",
    re.MULTILINE,
)
"""Lines of a C++ stack as PyTorch appends it: they say where it failed and nothing else. Source: c10/util/Backtrace."""
_PREFIX = re.compile(r"^\[rank\d{1,6}\]:[ \t]?", re.MULTILINE)
"""What PyTorch puts before each line of a traceback of a rank. Source: torch/distributed/distributed_c10d.py."""


def readable(message: str) -> str:
    """Return `message` as it is compared: bounded, white space collapsed, without ANSI codes, NUL and native stacks."""
    if len(message) > 4 * (MAX_HEAD + MAX_TAIL):
        message = message[: 4 * MAX_HEAD] + " " + message[-4 * MAX_TAIL :]
    if "\x1b" in message:
        message = _ANSI.sub("", message)
    if "frame #" in message:
        message = _NATIVE.sub("", message)
    if "[rank" in message:
        message = _PREFIX.sub("", message)
    message = " ".join(message.replace("\0", " ").split())
    if len(message) > MAX_HEAD + MAX_TAIL:
        message = message[:MAX_HEAD] + " " + message[-MAX_TAIL:]
    return message


class Subject:
    """One exception prepared for matching: what several conditions need is worked out once, when first asked for."""

    __slots__ = ("_bare", "_causes", "_codes", "_grams", "_library", "_where", "facts", "lowered", "names", "text")

    def __init__(self, facts: ErrorFacts) -> None:
        self.facts = facts
        self.text = readable(facts.message)
        self.lowered = self.text.lower()
        self.names = (facts.type, *facts.bases) if facts.type else facts.bases
        self._codes: Mapping[str, int] | None = None
        self._library: str | None = None
        self._where: str | None = None
        self._causes: tuple[str, ...] | None = None
        self._grams: frozenset[str] | None = None
        self._bare: frozenset[str] | None = None

    @property
    def grams(self) -> frozenset[str]:
        """Every second run of four characters: of any five in a row of the message, one such run is among them."""
        if self._grams is None:
            text = self.lowered
            self._grams = frozenset([text[start : start + GRAM] for start in range(0, len(text) - GRAM + 1, STRIDE)])
        return self._grams

    @property
    def codes(self) -> Mapping[str, int]:
        """Errno, HTTP status, signal, exit code."""
        if self._codes is None:
            self._codes = codes(self.facts, self.text, self.lowered)
        return self._codes

    @property
    def library(self) -> str:
        """Top-level package that raised."""
        if self._library is None:
            self._library = library_of(self.facts)
        return self._library

    @property
    def where(self) -> str:
        """Path of the library frame that raised, with forward slashes."""
        if self._where is None:
            frame = library_frame(self.facts.frames)
            self._where = frame.file.replace("\\", "/") if frame is not None else ""
        return self._where

    @property
    def causes(self) -> tuple[str, ...]:
        """`TYPE: MESSAGE` of each cause."""
        if self._causes is None:
            found: list[str] = []
            cause = self.facts.cause
            while cause is not None and len(found) < MAX_CAUSES:
                found.append(f"{cause.type}: {readable(cause.message)}")
                cause = cause.cause
            self._causes = tuple(found)
        return self._causes

    @property
    def bare_names(self) -> frozenset[str]:
        """Class names without their modules, of the class and its bases."""
        if self._bare is None:
            self._bare = frozenset([name.rpartition(".")[2] for name in self.names])
        return self._bare


class Hit(NamedTuple):
    """An entry that matched, by which alternative, and the match of its expression."""

    pattern: Pattern
    match: Match
    found: "re.Match[str] | None"


class _Alternative(NamedTuple):
    """One alternative of an entry, with what its text needs besides the piece that led to it.

    Attributes:
        pattern: The entry.
        match: The alternative.
        pieces: All of them must be in the text, in lower case.
        needs: One of each must be.
        further: Whether there are conditions that are not about the text.
    """

    pattern: Pattern
    match: Match
    pieces: Sequence[str]
    needs: Sequence[Sequence[str]]
    further: bool


class Matcher:
    """The catalogue, indexed so that only entries that share a rare piece with a message, or its class, are looked at.

    The cost of a search does not grow with the catalogue but with the message: of its characters, every second run of
    four is looked up. Wherever a key of five characters stands, one such run lies inside it.
    """

    def __init__(self, patterns: Sequence[Pattern], index: Index | None = None) -> None:
        """Prepare to search `patterns`; `index` is that of theirs, where it is known already."""
        self._patterns = patterns
        self._index = index if index is not None else index_of(patterns)
        self._near: dict[str, list[tuple[str, Sequence[int]]]] = {}
        self._short: list[tuple[str, Sequence[int]]] = []
        for piece, key, places in self._index.pieces:
            lead = (piece, places)
            if len(key) < KEY:
                self._short.append(lead)
            else:
                for start in range(STRIDE):
                    self._near.setdefault(key[start : start + GRAM], []).append(lead)
        self._grams = frozenset(self._near)
        self._known: dict[int, _Alternative] = {}
        self._typed: dict[tuple[tuple[str, ...], bool], tuple[int, ...]] = {}

    def best(self, subject: Subject, *, expired: Callable[[], bool]) -> Hit | None:
        """Return the entry that says most about `subject`.

        Args:
            subject: The exception.
            expired: Whether the time for this is up; asked before every eighth expression is run.
        """
        tried, lowered = 0, subject.lowered
        for place in self._candidates(subject):
            pattern, match, pieces, needs, further = self._known.get(place) or self._at(place)
            if (pieces or needs) and not _holds(lowered, pieces, needs):
                continue
            if further and not _conditions_hold(match, subject):
                continue
            if not match.message:
                return Hit(pattern, match, None)
            tried += 1
            if tried % _ASK_EVERY == 0 and expired():
                return None
            found = compiled(match.message).search(subject.text)
            if found is not None:
                return Hit(pattern, match, found)
        return None

    def _at(self, place: int) -> "_Alternative":
        """Return what is at a place of the index; most places are never asked for."""
        pattern = self._patterns[self._index.owners[place]]
        match = pattern.matches[self._index.numbers[place]]
        found = self._known[place] = _Alternative(
            pattern,
            match,
            match.literals[bool(match.key) and (len(match.key) == KEY or not match.types) :],
            match.needs,
            further=bool(match.types or match.code or match.library or match.where or match.cause),
        )
        return found

    def _candidates(self, subject: Subject) -> list[int]:
        """Return the places of all entries that could match, the most telling first; some may come twice."""
        text = subject.lowered
        places: list[int] = []
        for gram in subject.grams & self._grams:
            for piece, known in self._near[gram]:
                if piece in text:
                    places += known
        for piece, known in self._short:
            if piece in text:
                places += known
        places += self._for_class(subject)
        places.sort()
        return places

    def _for_class(self, subject: Subject) -> tuple[int, ...]:
        """Return the places of the entries that need no fixed piece, for this class; remembered for each class."""
        asked = (subject.names, bool(subject.codes))
        known = self._typed.get(asked)
        if known is None:
            index = self._index
            exact = (place for name in (*subject.names, *subject.bare_names) for place in index.names.get(name, ()))
            globs = (place for place in index.globs if has_type(subject, self._at(place).match.types))
            found = {*exact, *globs, *index.rest}
            known = tuple(sorted(place for place in found if subject.codes or not self._at(place).match.code))
            if len(self._typed) < MAX_CLASSES:
                self._typed[asked] = known
        return known


def _holds(lowered: str, pieces: Sequence[str], needs: Sequence[Sequence[str]]) -> bool:
    """Return whether a text has all of `pieces`, and one piece of each of `needs`."""
    for piece in pieces:
        if piece not in lowered:
            return False
    for choices in needs:
        for piece in choices:
            if piece in lowered:
                break
        else:
            return False
    return True


def _conditions_hold(match: Match, subject: Subject) -> bool:
    """Check what is not about the text of the message, the cheapest first."""
    if match.types and not has_type(subject, match.types):
        return False
    if match.code and not _has_code(subject, match.code):
        return False
    if match.library and subject.library not in match.library:
        return False
    if match.where and not any(piece in subject.where for piece in match.where):
        return False
    return not match.cause or any(compiled(match.cause).search(cause) for cause in subject.causes)


def has_type(subject: Subject, wanted: Sequence[str]) -> bool:
    """Return whether the class or a base of it has one of the names in `wanted`."""
    for name in wanted:
        if "*" in name:
            candidates = subject.names if "." in name else subject.bare_names
            if any(fnmatchcase(candidate, name) for candidate in candidates):
                return True
        elif name in (subject.names if "." in name else subject.bare_names):
            return True
    return False


def _has_code(subject: Subject, wanted: Mapping[str, Sequence[str]]) -> bool:
    for name, values in wanted.items():
        value = subject.codes.get(name)
        if value is None or not any(fnmatchcase(str(value), pattern) for pattern in values):
            return False
    return True
