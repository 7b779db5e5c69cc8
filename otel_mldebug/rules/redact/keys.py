"""Is the value under this key a secret? Decided on the whole key, word by word, however it is spelled."""

import re
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from otel_mldebug.rules.redact import words as w


class Secrecy(IntEnum):
    """How surely a key holds a secret."""

    NONE = 0
    WEAK = 1
    """Only where the value looks like a credential: `app_key`, `auth`, `router_token`."""
    STRONG = 2
    """Whatever the value is, unless it is a constant, a placeholder or a reference."""


class KeyClass(NamedTuple):
    """What a key says of its value; `kind` goes into the marker."""

    secrecy: Secrecy
    kind: str


HARMLESS = KeyClass(Secrecy.NONE, "")

# CamelCase, runs of capitals and digits: openAIApiKey -> open AI Api Key.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET = frozenset(["secret", "secrets"])
_LONGEST = 128  # characters of a key that are looked at, the last ones


def words_of(key: str) -> list[str]:
    """Return the words of `key` in lower case: `X-Api-Key`, `xApiKey` and `x.api_key` are all x, api, key."""
    return [word.lower() for word in _WORD.findall(key[-_LONGEST:])]


@lru_cache(maxsize=8192)
def classify(key: str) -> KeyClass:
    """Return what `key` says of the value under it. Pure; remembered for the last 8,192 keys."""
    words = words_of(key)
    if not words or words[0] in w.COUNTS or key.lower().endswith(w.FILE_ENDINGS) or "[redacted:" in key:
        return HARMLESS
    if found := _identifier(words):
        return found
    if words[-1] in w.DESCRIBES:
        return HARMLESS
    whole = "".join(words)
    found = _password(words, whole) or _secret(words, whole)
    if found:
        return found
    while len(words) > 1 and words[-1] in w.TAIL and words != ["token", words[-1]]:
        words.pop()
    whole = "".join(words)
    return _key(words, whole) or _token(words, whole) or _other(words, whole) or HARMLESS


def _identifier(words: list[str]) -> KeyClass | None:
    """The names ending in `id` that are a credential, or half of one; `session_id` by itself is only a name."""
    if words[-3:] == ["access", "key", "id"] or words[-1] == "accesskeyid":
        return KeyClass(Secrecy.STRONG, "access-key-id")
    if words[-2:] == ["secret", "id"]:
        return KeyClass(Secrecy.STRONG, "secret")
    if words[-4:] == ["asp", "net", "session", "id"] or words[-2:] == ["connect", "sid"]:
        return KeyClass(Secrecy.WEAK, "session")
    return None


def _password(words: list[str], whole: str) -> KeyClass | None:
    if "passwordless" in whole:
        return None
    if not w.PASSWORD_WORDS.isdisjoint(words) or any(part in whole for part in w.PASSWORD_PARTS):
        # A name that goes on for long, such as a pod's `reset-password-7d9f8b6c5-x2x4z`, is no key.
        after = [word for word in words[_last_of(words, w.PASSWORD_WORDS) + 1 :] if word not in w.TAIL]
        return KeyClass(Secrecy.STRONG, "password") if len(after) < 3 else None
    last = words[-1]
    if last in ("pass", "pw"):
        owned = len(words) > 1 and words[-2] in w.PASS_OWNERS
        return KeyClass(Secrecy.STRONG if owned else Secrecy.WEAK, "password") if owned or len(words) == 1 else None
    if last.endswith(("pass", "pw")) and last.removesuffix("pw").removesuffix("pass") in w.PASS_OWNERS:
        return KeyClass(Secrecy.STRONG, "password")
    return None


def _last_of(words: list[str], wanted: frozenset[str]) -> int:
    """The position of the last of the `wanted` words, or -1."""
    return max((position for position, word in enumerate(words) if word in wanted), default=-1)


def _secret(words: list[str], whole: str) -> KeyClass | None:
    position = _last_of(words, _SECRET)
    if position >= 0 and all(word in w.SECRET_FOLLOWERS or word in w.TAIL for word in words[position + 1 :]):
        return KeyClass(Secrecy.STRONG, "secret")
    if words[-1].endswith("secret") or "secretaccesskey" in whole or "secretkey" in whole:
        return KeyClass(Secrecy.STRONG, "secret")
    return None


def _key(words: list[str], whole: str) -> KeyClass | None:
    last = words[-1]
    if last in ("key", "keys") and len(words) > 1:
        owner = words[-2]
        if owner not in w.KEY_OWNERS:
            return None
        kind = "private-key" if owner in ("private", "ssh", "rsa") else "api-key"
        return KeyClass(Secrecy.WEAK if owner in w.WEAK_KEY_OWNERS else Secrecy.STRONG, kind)
    if last.removesuffix("s").endswith(w.KEY_ENDINGS):
        return KeyClass(Secrecy.STRONG, "private-key" if "private" in last else "api-key")
    return None


def _token(words: list[str], whole: str) -> KeyClass | None:
    last = words[-1]
    if last not in ("token", "tokens"):
        owned = last.endswith("token") and last[:-5] in w.TOKEN_OWNERS
        return KeyClass(Secrecy.STRONG, "token") if owned else None
    owner = words[-2] if len(words) > 1 else ""
    if owner in w.TOKEN_OWNERS:
        # `user_tokens` and `api_tokens` are counts in language models' bills; lists of them are judged by value.
        return KeyClass(Secrecy.STRONG if last == "token" else Secrecy.WEAK, "token")
    if last == "tokens" or owner in w.MODEL_TOKEN_OWNERS:
        return None
    return KeyClass(Secrecy.WEAK if owner else Secrecy.STRONG, "token")


def _other(words: list[str], whole: str) -> KeyClass | None:
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last == "pat" and not w.TOKEN_OWNERS.isdisjoint(words[:-1]):  # a personal access token, or patience
        return KeyClass(Secrecy.WEAK, "token")
    if last in w.CREDENTIAL_WORDS:
        return KeyClass(Secrecy.STRONG, "credential")
    if last in ("authorization", "bearer", "jwt"):
        return KeyClass(Secrecy.STRONG, "token" if last == "jwt" else "authorization")
    if last in w.COOKIE_WORDS:
        return KeyClass(Secrecy.STRONG, "cookie")
    if last in w.PERSONAL_WORDS or f"{before}_{last}" in w.PERSONAL_PAIRS or whole.endswith("cardnumber"):
        return KeyClass(Secrecy.STRONG, "personal")
    if last in ("auth", "oauth") and (not before or before in w.AUTH_OWNERS):
        return KeyClass(Secrecy.WEAK, "authorization")
    if last in w.SESSION_WORDS:
        return KeyClass(Secrecy.WEAK, "session")
    return None
