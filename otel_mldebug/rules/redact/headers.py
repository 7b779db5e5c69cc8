"""Authorization and cookie headers in text, in the spellings of HTTP, dicts, header lists and curl."""

import base64
import binascii
import re

from otel_mldebug.rules.redact.marks import Mark
from otel_mldebug.rules.redact.values import is_placeholder, looks_like_credential
from otel_mldebug.rules.redact.words import vocabulary


def _any_case(word: str) -> str:
    """Spell `word` so that the engine, unlike with IGNORECASE, can scan for its first letter."""
    return "".join(f"[{letter.upper()}{letter}]" for letter in word)


_QUOTE = r"""\\{0,3}["']"""
# `Name: `, `"name": "`, `'name': b'`, `[name] = `, `('name', '`; group 1 ends where the value begins.
_AFTER_NAME = (
    rf"(?:(?:{_QUOTE}\]?)?[ \t]{{0,4}}(?::|=>?)[ \t]{{0,4}}[(\[]?(?:[bufr]?{_QUOTE})?|{_QUOTE}, ?[bufr]?{_QUOTE})"
)
_AUTHORIZATION = re.compile(
    rf"({_any_case('authorization')}{_AFTER_NAME})"
    r"((?i:bearer|basic|token|digest|apikey|api-key|key|bot|negotiate|ntlm|splunk|sso-key|geniekey|ssws|jwt|oauth|"
    r"hmac-[\w-]{1,12}|aws4-hmac-sha256|github-bearer|discogs|x-[\w-]{1,20})(?:[ \t]{1,4}|%20))?"
    r"""([^\r\n"'\\]*)"""
)
_COOKIE = re.compile(rf"""({_any_case("cookie")}[sS]?2?{_AFTER_NAME})([^\r\n"'\\]*)""")
_BEARER = re.compile(r"([Bb](?:earer(?:[ \t]{1,4}|%20|\+)|EARER[ \t]))([A-Za-z0-9_.~+/=-]{6,})")
_BASIC = re.compile(r"([Bb](?:asic {1,2}|ASIC ))([A-Za-z0-9+/]{6,}={0,2})(?![A-Za-z0-9+/=])")
_SIGNATURE = re.compile(
    r"((?<![A-Za-z])(?:signature|response|oauth_signature|oauth_token|oauth_consumer_key)=[\"']?)"
    r"((?=[A-Za-z%+/=]{0,200}[0-9])[A-Za-z0-9%+/=]{16,})",
    re.IGNORECASE,
)
_CRUMB = re.compile(r"([^\s=;,]{1,80}=)([^;,\s]*)")
_NEXT_CRUMB = re.compile(r"[^;]{0,60};[ \t]*(?:(?:httponly|secure|partitioned)\b(?:;[ \t]*)?)*", re.IGNORECASE)
_COOKIE_ATTRIBUTES = vocabulary("path= domain= expires= max-age= samesite= version= priority=")
_FIRST_WORD = re.compile(r"[^\s,;)\]}]+")
_NO_SECRET = vocabulary("token auth authentication authorization scheme header headers credentials realm format")


def redact(text: str, mark: Mark) -> str:
    """Replace what authorization and cookie headers in `text` hold; schemes and cookie names stay. Linear."""
    low = text.lower()
    if "authorization" in low:
        text = _AUTHORIZATION.sub(lambda m: m[1] + (m[2] or "") + _authorization(m, mark), text)
    if "bearer" in low:
        text = _BEARER.sub(lambda m: m[1] + _bearer(m[2], mark), text)
    if "basic " in low:
        text = _BASIC.sub(lambda m: m[1] + (mark("authorization", m[2]) if _is_user_pass(m[2]) else m[2]), text)
    if "signature=" in low or "response=" in low or "oauth_" in low:
        text = _SIGNATURE.sub(lambda m: m[1] + mark("signature", m[2]), text)
    if "cookie" in low:
        text = _COOKIE.sub(lambda m: m[1] + cookies(m[2], mark), text)
    return text


def _authorization(found: re.Match[str], mark: Mark) -> str:
    """Return the header's value without its secret: the first word after the scheme, or the whole quoted value."""
    scheme, rest = found[2], found[3]
    if (
        rest.startswith("[redacted:")
        or is_placeholder(rest.strip())
        or (scheme and scheme.lower().startswith(("digest", "oauth", "aws4", "hmac")))
    ):
        return rest  # their fields are found by name
    if not scheme and "," in found[1] and not looks_like_credential(rest):
        return rest  # a list of names
    if not scheme and found[1][-1] in "\"'":
        words = rest.split(None, 1)
        if len(words) == 2 and words[0].isalpha():  # a scheme we do not know
            return rest[: rest.index(words[1])] + mark("authorization", words[1])
        return mark("authorization", rest)
    word = _FIRST_WORD.match(rest)
    if not word or is_placeholder(word[0]) or "=" in word[0].rstrip("=") or word[0].lower() in _NO_SECRET:
        return rest
    if not scheme and not looks_like_credential(word[0]):
        return rest
    return mark("authorization", word[0]) + rest[word.end() :]


def authorization(value: str, mark: Mark) -> str:
    """Return the whole `value` of an authorization header without its secret; the scheme stays."""
    scheme, space, rest = value.partition(" ")
    if not space or not scheme[:1].isalpha() or not scheme.replace("-", "").isalnum() or is_placeholder(rest):
        return value
    return scheme + space + mark("authorization", rest)


def _bearer(value: str, mark: Mark) -> str:
    token = value.rstrip(".")
    return mark("authorization", token) + value[len(token) :] if _opaque(token) else value


def _opaque(value: str) -> bool:
    """Say whether what follows `Bearer` is a token and no word of a sentence."""
    word = value.rstrip(".=").lower()
    if is_placeholder(value) or word in _NO_SECRET or (value[-1] == "=" and word.isalpha() and len(word) < 18):
        return False
    return looks_like_credential(value) or len(value) >= 18


def _is_user_pass(value: str) -> bool:
    """Say whether `value` is base64 of `user:password`."""
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return b":" in decoded and decoded.isascii() and not any(byte < 32 for byte in decoded)


def cookies(value: str, mark: Mark) -> str:
    """Replace the values in `a=1; b=2; Path=/`, and leave a sentence alone."""
    parts: list[str] = []
    done = position = 0
    while crumb := _CRUMB.match(value, position):
        if crumb[1].lower() not in _COOKIE_ATTRIBUTES and not is_placeholder(crumb[2]):
            parts += [value[done : crumb.start(2)], mark("cookie", crumb[2])]
            done = crumb.end()
        following = _NEXT_CRUMB.match(value, crumb.end())
        if following is None or (following[0][0] != ";" and crumb[1].lower() != "expires="):
            break
        position = following.end()
    return "".join([*parts, value[done:]])
