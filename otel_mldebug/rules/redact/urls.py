"""Credentials in URLs and connection strings: user:password@, secret query parameters, webhooks."""

import re

from otel_mldebug.rules.redact.keys import Secrecy, classify
from otel_mldebug.rules.redact.marks import MARKER, Mark
from otel_mldebug.rules.redact.values import is_placeholder, looks_like_credential
from otel_mldebug.rules.redact.words import vocabulary

_STOP = r"\s\"'<>`\\"
# The authority up to its last @; an unencoded / or # in a password is let through by the second expression.
_USERINFO = re.compile(rf"//([^/?#{_STOP}]{{1,1024}})@(?!sha\d{{3}}:)")
_ODD_USERINFO = re.compile(
    rf"//([A-Za-z0-9_.%~-]{{0,64}}:(?!\d{{0,5}}[/?#])[^@{_STOP}]{{1,256}})@(?!sha\d{{3}}:)"
    r"(?=[\w.-]{1,253}(?:[:/?]|$|[\s\"']))"
)
_PARTS = re.compile(rf"({MARKER}|[^:]*)(:?)(.*)", re.DOTALL)
_REDACTED = "[redacted:"
_ORACLE = re.compile(r"(jdbc:oracle:\w{2,6}:[\w$]{1,64}/)([^@\s\"']{1,128})(?=@)")
_PARAMETER = re.compile(r"([?&#%](?:3[Ff]|26|amp;)?([A-Za-z_][\w.%-]{0,63}?)(?:=|%3[Dd]))([^\s&#\"'<>`\\()\[\]{},;|]+)")
_ENCODED_STOP = re.compile(r"%26|%23|&amp;")
_HOOK = re.compile(
    r"((?:slack(?:-gov)?\.com/(?:services|workflows|triggers)|discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{5,25}|"
    r"webhook\.office\.com/webhookb2|outlook\.office(?:365)?\.com/webhook|zapier\.com/hooks/catch|"
    r"ifttt\.com/trigger/\w{1,60}/with/key|hooks\.chime\.aws/incomingwebhooks|pagerduty\.com/integration|"
    r"open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/v2/hook|victorops\.com/integrations/\w{1,30}/\d{1,20}/alert)/)"
    r"([A-Za-z0-9_@:%.-]{4,}(?:/[A-Za-z0-9_@:%.-]+)*)"
)
_ONLY_IN_URLS = vocabulary(
    "sig signature key auth code hmac sid session ticket x-amz-signature x-amz-credential x-amz-security-token "
    "x-goog-signature x-goog-credential googleaccessid otp assertion code_verifier client_assertion samlresponse "
    "oauth_signature hdnts skey sas pass"
)
"""Parameters that are secret in a query, and too common a word elsewhere."""
_LONG = vocabulary("code ticket session sid auth googleaccessid")
_JUDGED_BY_VALUE = _LONG | {"key", "pass"}
_HIDDEN_USERS = frozenset(["x-oauth-basic", "x-token-auth", "", "x"])
"""Passwords that say that the user is the secret: `https://TOKEN:x-oauth-basic@github.com`."""


def redact(text: str, mark: Mark) -> str:
    """Replace credentials in the URLs of `text`. Linear in its length."""
    if "://" in text:
        if "@" in text:
            text, found = _USERINFO.subn(lambda m: f"//{_userinfo(m[1], mark)}@", text)
            if found < max(text.count("@"), text.count("//")):
                text = _ODD_USERINFO.sub(
                    lambda m: m[0] if "[redacted:" in m[1] else f"//{_userinfo(m[1], mark)}@", text
                )
    elif "jdbc:oracle" in text:
        text = _ORACLE.sub(lambda m: m[1] + mark("url-password", m[2]), text)
    if "?" in text or "&" in text or "#" in text or "%" in text:
        text = _PARAMETER.sub(lambda m: m[1] + _parameter(m, mark), text)
    if ".com/" in text or ".cn/" in text or ".aws/" in text:
        text = _HOOK.sub(lambda m: m[1] + mark("webhook", m[2]), text)
    return text


def _userinfo(userinfo: str, mark: Mark) -> str:
    if _REDACTED in userinfo:  # an earlier stage knew part of it
        found = _PARTS.fullmatch(userinfo)
        if found is None or found[1].endswith("[redacted"):
            return userinfo
        user, colon, password = found[1], found[2], found[3] or ""
    else:
        user, colon, password = userinfo.partition(":")
    opaque = len(user) >= 8 and not user.startswith(_REDACTED) and looks_like_credential(user)
    if not colon:
        # `git@`, a user or a container stay; a Sentry DSN's key or a token has the look of one.
        return mark("url-password", user) if opaque and len(user) >= 20 else user
    if password in _HIDDEN_USERS:
        return (mark("url-password", user) if opaque else user) + colon + password
    if is_placeholder(password) or _REDACTED in password:
        return userinfo
    if opaque and len(user) >= 24:
        user = mark("url-password", user)
    return user + colon + mark("url-password", password)


def _parameter(found: re.Match[str], mark: Mark) -> str:
    name, value = found[2].lower(), found[3]
    key = classify(name)
    if key.secrecy is Secrecy.NONE and name not in _ONLY_IN_URLS:
        return found[3]
    if found[1][0] == "%" or found[1][-1] in "dD":  # a URL inside a URL
        value = _ENCODED_STOP.split(value, maxsplit=1)[0]
    value = value.rstrip(".:!*")
    if is_placeholder(value):
        return found[3]
    judged = name in _JUDGED_BY_VALUE or key.secrecy is Secrecy.WEAK
    if judged and (not looks_like_credential(value) or (name in _LONG and len(value) < 10)):
        return found[3]
    return mark(key.kind or "signature", value) + found[3][len(value) :]
