"""Does this value, found under a secret key, look like the secret itself?

Not every value is one: constants, placeholders, values that were masked already, paths of files that hold the secret,
references to a vault, code that fetches it, a tokenizer's `<pad>`.
"""

import re

from otel_mldebug.rules.redact.keys import KeyClass, Secrecy, classify
from otel_mldebug.rules.redact.marks import MARKER
from otel_mldebug.rules.redact.words import vocabulary

CONSTANTS = vocabulary(
    "none null nil true false yes no on off undefined nan inf n/a na unset str string int integer bytes bool boolean "
    "float any object dict list tuple secretstr optional redacted masked filtered same-origin eof eol final "
    "incomplete"
)
"""Values that are no secret anywhere, in lower case."""

PROSE = vocabulary(
    "empty missing required invalid incorrect expired set default disabled enabled unknown rejected denied revoked "
    "failed malformed wrong mismatch ok valid must should cannot could can is was not the a an and or has for in of to "
    "with from expected got but absent present ignored forbidden unauthorized unsupported hidden removed it this that "
    "please see use no your"
)
"""Words that go on with a sentence after `password: `."""

SHORTEST_SESSION = 16
"""Characters of a session's id in a cookie; `sessionid=run-12` is a name that somebody gave. Source: OWASP's session
management cheat sheet, 64 bits in hexadecimal."""

# In this order: masked by somebody else (***, [secure], sk-ab...yz); a variable, a template, a repr, your-key-here;
# a reference into a vault.
_PLACEHOLDER = re.compile(
    r"[*xX•.#\-_]{3,}|[\[<(](?:redacted|filtered|secure|hidden|masked|removed|secret)[\])>]"
    r"|.{1,12}\.\.\..{0,6}"
    r"|\$\w+|\$?\{[^}]*\}+|\$\([^)]*\)|%\(\w+\)[sr]|%[srdq]|%\w+%|<[^>]*>|your[-_ ].*|@\w+@"
    r"|(?:arn:aws[\w-]*:|vault:|projects/[\w-]+/secrets/|secretref:|keyref:|op://|env:|file:|awssm:|sops:|@Microsoft\.).*",
    re.IGNORECASE | re.DOTALL,
)
_PLACEHOLDER_STARTS = frozenset("*xX•.#-_[<($\\{%yY@")
"""What a placeholder begins with, unless it has `...`, `:` or `/` in it; a marker of ours has a colon."""
_PATH = re.compile(r"(?:~|\.{1,2})?/(?:[\w.~ -]+/)*[\w.~ -]*|[A-Za-z]:\\\\?[\w.~ \\-]+")
_PATH_ROOT = re.compile(
    r"(?:~|\.{1,2})/|[A-Za-z]:\\|/(?:home|etc|root|usr|var|opt|run|tmp|mnt|Users|data|workspace|secrets?|app|srv)/"
)
_FILE = re.compile(r"[\w./~@ -]*\.(?:pem|json|key|crt|cer|p12|pfx|jks|txt|ya?ml|env|ini|toml|cfg|conf|pub|kdbx|gpg|py)")
# <pad>, [MASK], </s>, <|endoftext|>, Ġhello, ▁the, ##ing: a tokenizer's token.
_SPECIAL_TOKEN = re.compile(
    r"<[^<>\s]{0,40}>|\[[A-Z_0-9 ]{1,20}\]|[Ġ▁Ċ].{0,40}|##\w{1,30}|#[0-9A-Fa-f]{6}|\W{0,6}", re.DOTALL
)
_CALL = re.compile(r"(?:await |not )?[A-Za-z_][\w.]*(?:\(|\[(?:[\"'\w:-]|\Z))")
_NAMES = vocabulary(
    "arg args data default field input item k key kwargs kw obj opt opts param params payload pw request resp response "
    "result self auth header headers tok v val value var x y"
)
_OWNERS = ("self.", "args.", "config.", "cfg.", "settings.", "os.", "opts.", "options.", "ctx.", "cls.")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_PLAIN_WORD = re.compile(r"[A-Z]?[a-z]{1,15}|[A-Z]{1,12}")
_NUMBER = re.compile(r"[-+]?[\d_.,]+(?:[eE][-+]?\d+)?|0x[0-9a-fA-F]{1,16}")
_OPAQUE = re.compile(r"[A-Za-z0-9]{20,}|[A-Za-z0-9+/_=.~-]{24,}")
_SCHEME = re.compile(r"\A(?:[A-Za-z][\w-]{1,20} +|(?i:Bearer|Basic|Token)\Z)")
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]{1,20}|[A-Z]{2,6})://")  # what is secret in it is found by its own shape
_HAS_DIGIT = re.compile(r"\d")
_WORD_WITH_A_LETTER = re.compile(r"(?:[^\w\s]|[\d_])*[^\W\d_]\S*")
_HAS_SYMBOL = re.compile(r"[!@#$%^&*+=?~]")


def is_plain_word(value: str) -> bool:
    """Say whether `value` is one word or name of small letters, such as a variable's."""
    return _PLAIN_WORD.fullmatch(value) is not None or (value.islower() and value.isidentifier())


def looks_like_credential(value: str) -> bool:
    """Say whether `value` has the look of a generated or a careful secret: one word, mixed, at least six characters."""
    if len(value) < 6 or not _WORD_WITH_A_LETTER.fullmatch(value):
        return False
    if _HAS_DIGIT.search(value):
        return not _NUMBER.fullmatch(value)
    if _PLAIN_WORD.fullmatch(value):
        return False
    return bool(_HAS_SYMBOL.search(value) or (_OPAQUE.fullmatch(value) and value.count("-") + value.count("_") < 3))


def is_placeholder(value: str) -> bool:
    """Say whether `value` stands for a secret without being one: a constant, a mask, a variable, a marker of ours."""
    if not value or "***" in value or "…" in value or "•••" in value:
        return True
    if value[0] in _PLACEHOLDER_STARTS or "..." in value or ":" in value or "/" in value:
        return value.lower() in CONSTANTS or _PLACEHOLDER.fullmatch(value) is not None or _settled(value)
    return value.lower() in CONSTANTS


def is_path(value: str, kind: str) -> bool:
    """Say whether `value` is the path of a file, where a key of this `kind` may well name one."""
    if "/" not in value and "\\" not in value and "." not in value:
        return False
    if kind == "password":  # PWD is the working directory
        mixed = _HAS_DIGIT.search(value) is not None and value.lower() != value
        return value[0] in "/~.ABCDEFG" and _PATH.fullmatch(value) is not None and (not mixed or _has_root(value))
    if _PATH.fullmatch(value) is None:
        return _FILE.fullmatch(value) is not None
    return _has_root(value) or _FILE.fullmatch(value) is not None


def _has_root(value: str) -> bool:
    return _PATH_ROOT.match(value) is not None


def is_secret_value(value: str, key: KeyClass) -> bool:
    """Say whether `value`, quoted or whole under a key of class `key`, is to be replaced."""
    if key.secrecy is Secrecy.NONE or (key.secrecy is Secrecy.WEAK and not looks_like_credential(value)):
        return False
    if key.kind == "session" and len(value) < SHORTEST_SESSION:
        return False
    if key.kind == "authorization":
        value = _SCHEME.sub("", value)
    if is_placeholder(value) or is_path(value, key.kind) or _is_name(value) or ("://" in value and _URL.match(value)):
        return False
    return key.kind != "token" or _SPECIAL_TOKEN.fullmatch(value) is None


# `[redacted:…]`, `Bearer [redacted:…]`, `[redacted:…]\n`: what an earlier stage left.
_SETTLED = re.compile(rf"(?:[A-Za-z][\w-]{{1,20}} +)?(?:{MARKER}|\\{{1,4}}[nrt]|[\s:,;.])+")


def _settled(value: str) -> bool:
    return "[redacted:" in value and (_SETTLED.fullmatch(value) is not None or "=[redacted:cookie]" in value)


def _squeezed(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _is_name(value: str) -> bool:
    """`DB_PASSWORD` is the name of a variable, not its value."""
    return value.isupper() and "_" in value and value.isidentifier() and classify(value).secrecy is not Secrecy.NONE


def is_number(value: str) -> bool:
    """Say whether `value` is a number in decimal or hexadecimal."""
    return _NUMBER.fullmatch(value) is not None


def is_code(value: str, name: str, *, spaced: bool = False) -> bool:
    """Say whether the unquoted `value` of the key `name` is an expression of a program, as in a traceback.

    With `spaced`, it stands after a ` = ` with spaces, as assignments do.
    """
    if _CALL.match(value):
        return True
    if not _IDENTIFIER.fullmatch(value):
        return False
    if _HAS_DIGIT.search(value) and not value.startswith(_OWNERS):
        return False
    last = value.rpartition(".")[2]
    if last.lower() in _NAMES or value.startswith(_OWNERS) or _squeezed(last) == _squeezed(name.rpartition(".")[2]):
        return True
    if "_" not in value and "." not in value:
        return False
    if spaced and "." in value:
        return True
    return classify(last).secrecy is not Secrecy.NONE or (last.islower() and "token" in last)
