"""What stands around an `@`: e-mail addresses, and `user:password@host:port` without a scheme."""

import re

from otel_mldebug.rules.redact.domains import TOP_LEVEL
from otel_mldebug.rules.redact.marks import Mark
from otel_mldebug.rules.redact.values import is_placeholder

_HOST = re.compile(r"((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}([^\W\d_]{2,24}|xn--[a-z0-9-]{2,59}))(?![\w(\[@-]|\.\w)")
_USER_BACKWARDS = re.compile(r"([\w.%+'-]{1,64})(?![\w.%+'@-])")
_AUTHORITY_BACKWARDS = re.compile(r"[^/\s]{0,200}//")  # scheme://user@host is no address
_PROXY = re.compile(
    r"(?:localhost|\d{1,3}(?:\.\d{1,3}){3}(?::\d{2,5})?|[A-Za-z][\w-]{0,62}(?:\.[\w-]{1,63}){0,5}:\d{2,5})(?!\w)"
)
_LOGIN_BACKWARDS = re.compile(r"([^\s:@/\"'<>,;`\\\[\]]{1,128}):([\w.-]{0,63}[A-Za-z])(?![\w./@:+\[-])")
_VERSION = re.compile(r"v?\d+\.\d")
_NO_PERSON = frozenset(["git", "hg", "svn"])
_NO_LOGIN = frozenset(["mailto", "email", "mail", "from", "to", "contact", "cc", "bcc"])


def redact(text: str, mark: Mark) -> str:
    """Replace e-mail addresses, and passwords before a host, in `text`. Linear in its length."""
    parts: list[str] = []
    done = 0
    at = text.find("@")
    while at >= 0:
        backwards = text[max(done, at - 200) : at][::-1]
        if ":" in backwards and (start := _password(text, at, backwards)) is not None:
            parts += [text[done:start], mark("url-password", text[start:at])]
            done = at
        elif found := _address(text, at, backwards):
            start, stop = found
            parts += [text[done:start], mark("email", text[start:stop])]
            done = stop
        at = text.find("@", at + 1)
    return "".join([*parts, text[done:]]) if parts else text


def _password(text: str, at: int, backwards: str) -> int | None:
    """Where the password of `user:password@host:port` begins."""
    login = _LOGIN_BACKWARDS.match(backwards)
    if login is None or not _PROXY.match(text, at + 1) or login[2][::-1].lower() in _NO_LOGIN:
        return None
    return None if is_placeholder(login[1][::-1]) else at - len(login[1])


def _address(text: str, at: int, backwards: str) -> tuple[int, int] | None:
    """Where the e-mail address around this `@` begins and ends."""
    host = _HOST.match(text, at + 1)
    if host is None or _VERSION.match(host[1]):
        return None
    top = host[2]
    known = top.lower() in TOP_LEVEL or top.startswith("xn--") or not top.isascii()
    if not known or not (top.islower() or top.isupper() or not top.isascii()):
        return None
    found = None if _AUTHORITY_BACKWARDS.match(backwards) else _USER_BACKWARDS.match(backwards)
    user = found[1][::-1].lstrip("'.-%+") if found else ""
    return (at - len(user), host.end()) if user and user not in _NO_PERSON else None
