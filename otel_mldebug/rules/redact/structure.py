"""Redaction of JSON-like values: nested containers, dataclasses, named tuples, argument lists, header lists.

Bounded in depth and in the number of values, guarded against cycles, and total: whatever comes in, something that can
be written as JSON (or the same plain value) comes out.
"""

import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import uuid
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from otel_mldebug.rules.redact import headers
from otel_mldebug.rules.redact.keys import HARMLESS, KeyClass, Secrecy
from otel_mldebug.rules.redact.marks import Mark
from otel_mldebug.rules.redact.values import is_placeholder, is_secret_value
from otel_mldebug.rules.redact.words import HARMLESS_FIELDS

CYCLE = "[cycle]"
TOO_DEEP = "[too deep]"
UNREADABLE = "[unreadable]"

_PLAIN = (
    type(None), bool, int, float, complex, decimal.Decimal, fractions.Fraction, uuid.UUID, datetime.date, datetime.time,
    datetime.timedelta,
)  # fmt: skip
_NUMBERS_MATTER = frozenset(["password", "secret", "personal", "api-key", "private-key", "credential"])
_HEADERS = {"authorization": headers.authorization, "cookie": headers.cookies}
"""Kinds of which a part stays: the scheme, the names of the cookies."""
_LOGIN = KeyClass(Secrecy.WEAK, "authorization")
_NAMES = ("name", "Name", "key", "Key", "header", "field", "variable")
_VALUES = ("value", "Value", "default")


class Walker:
    """One pass over one value."""

    def __init__(
        self, text: Callable[[str], str], mark: Mark, classify: Callable[[str], KeyClass], *, depth: int, values: int
    ) -> None:
        self._text, self._mark, self._classify = text, mark, classify
        self._depth, self._values_left = depth, values
        self._open: set[int] = set()

    def walk(self, value: Any, key: KeyClass = HARMLESS, depth: int = 0) -> Any:
        """Return `value` without its secrets; `key` is what the container says of it."""
        if isinstance(value, str):
            return self._string(str.__str__(value), key)
        if isinstance(value, enum.Enum):
            return self.walk(value.value, key, depth + 1) if depth < self._depth else TOO_DEEP
        if isinstance(value, _PLAIN):
            return self._number(value, key)
        if isinstance(value, bytes | bytearray):
            return self._string(bytes(value).decode("latin-1"), key).encode("latin-1", "replace")
        if isinstance(value, pathlib.PurePath):
            return self._string(str(value), key)
        return self._container(value, key, depth)

    def _string(self, value: str, key: KeyClass) -> str:
        if key.secrecy is Secrecy.NONE or not is_secret_value(value, key):
            return self._text(value)
        if key.kind in _HEADERS:
            in_part = _HEADERS[key.kind](value, self._mark)
            if in_part != value:
                return self._text(in_part)
        return self._mark(key.kind, value)

    def _number(self, value: Any, key: KeyClass) -> Any:
        if key.secrecy is Secrecy.STRONG and type(value) in (int, float) and key.kind in _NUMBERS_MATTER:
            return self._mark(key.kind, str(value)) if key.kind == "password" or abs(value) >= 100 else value
        return value

    def _container(self, value: Any, key: KeyClass, depth: int) -> Any:
        if id(value) in self._open:
            return CYCLE
        if depth >= self._depth:
            return TOO_DEEP
        self._open.add(id(value))
        try:
            if dataclasses.is_dataclass(value) and not isinstance(value, type):
                fields = [f.name for f in dataclasses.fields(value)]
                return self._mapping([(name, getattr(value, name, None)) for name in fields], key, depth)
            if isinstance(value, Mapping):
                return self._mapping(value.items(), key, depth)
            if isinstance(value, tuple) and hasattr(value, "_fields"):
                return self._mapping(zip(value._fields, value, strict=False), key, depth)
            if isinstance(value, list | tuple):
                walked = self._sequence(value, key, depth)
                return tuple(walked) if isinstance(value, tuple) else walked
            if isinstance(value, AbstractSet):
                return self._sequence(sorted(value, key=str), key, depth)
        except Exception:  # noqa: BLE001  the value's own code ran, and none of its errors may get out
            return UNREADABLE
        finally:
            self._open.discard(id(value))
        return f"<{type(value).__module__}.{type(value).__qualname__}>"

    def _mapping(self, items: Iterable[tuple[Any, Any]], key: KeyClass, depth: int) -> dict[Any, Any]:
        pairs: list[tuple[Any, Any]] = []
        for item in items:
            if self._values_left <= 0:
                pairs.append(("[left out]", "more"))
                break
            self._values_left -= 1
            pairs.append(item)
        named = self._named_value(pairs)
        redacted: dict[Any, Any] = {}
        for name, value in pairs:
            plain = self._text(name) if isinstance(name, str) else _plain_name(name)
            own = named if named and name in _VALUES else self._key_class(plain, key)
            while plain in redacted and plain != name:
                plain = f"{plain}'"
            redacted[plain] = self.walk(value, own, depth + 1)
        return redacted

    def _key_class(self, name: Any, around: KeyClass) -> KeyClass:
        """What `name` says of its value, inside a container of class `around`."""
        if not isinstance(name, str):
            return around
        own = self._classify(name)
        if own.secrecy is Secrecy.NONE and around.secrecy is Secrecy.STRONG:
            harmless = around.kind == "credential" and name.lower() in HARMLESS_FIELDS
            return HARMLESS if harmless else around
        return own

    def _named_value(self, pairs: list[tuple[Any, Any]]) -> KeyClass | None:
        """`{"name": "DB_PASSWORD", "value": "x"}`: the class of the name, where it is a secret one."""
        if len(pairs) > 8 or not any(name in _VALUES for name, _ in pairs if isinstance(name, str)):
            return None
        for name, value in pairs:
            if isinstance(name, str) and name in _NAMES and isinstance(value, str):
                key = self._classify(value)
                return key if key.secrecy is not Secrecy.NONE else None
        return None

    def _sequence(self, values: Iterable[Any], key: KeyClass, depth: int) -> list[Any]:
        redacted: list[Any] = []
        items = values if isinstance(values, list | tuple) else list(values)
        pairs = _are_pairs(items)
        if key == _LOGIN and len(items) == 2 and all(isinstance(item, str) for item in items):
            user, password = items  # auth=("user", "password")
            return [self._text(user), password if is_placeholder(password) else self._mark("authorization", password)]
        own = key
        for value in items:
            if self._values_left <= 0:
                redacted.append("[left out]")
                break
            self._values_left -= 1
            if pairs:
                name, second = value
                redacted.append(type(value)((name, self.walk(second, self._classify(name), depth + 2))))
                continue
            redacted.append(self.walk(value, own, depth + 1))
            # In an argument list the value of `--api-key` is the next item.
            flag = key is HARMLESS and isinstance(value, str) and value.startswith("-") and "=" not in value
            own = self._classify(value) if flag else key
        return redacted


def _are_pairs(items: list[Any] | tuple[Any, ...]) -> bool:
    """`[["Authorization", "x"], ["Accept", "y"]]`: a list of names with values, as of headers."""
    if not items:
        return False
    return all(type(item) in (list, tuple) and len(item) == 2 and isinstance(item[0], str) for item in items)


def _plain_name(name: Any) -> Any:
    return name if isinstance(name, _PLAIN) else str(type(name).__qualname__)
