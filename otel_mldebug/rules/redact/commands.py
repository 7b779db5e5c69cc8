"""Secrets that a command, a file format or a library writes without a key of their own next to them."""

import re
from functools import partial

from otel_mldebug.rules.redact.keys import Secrecy, classify
from otel_mldebug.rules.redact.marks import Mark
from otel_mldebug.rules.redact.pairs import Classify
from otel_mldebug.rules.redact.values import is_placeholder, is_secret_value

_FLAG = re.compile(r"-([A-Za-z][\w.-]{2,80})[ \t]+(?!-)([\"']?)")
_QUOTED = {'"': re.compile(r'[^"\r\n]{1,4096}(?=")'), "'": re.compile(r"[^'\r\n]{1,4096}(?=')")}
_WORD = re.compile(r"[^\s\"'`;|&)]+")

# Gate literal, kind, expression: group 1 is what stands before the secret, group 2 the secret.
_COMMANDS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("curl", "password", re.compile(r"((?<!\S)(?:-u|--user|--proxy-user)[ =]?[\"']?[^\s:\"']{1,128}:)([^\s\"']+)")),
    ("sshpass", "password", re.compile(r"(sshpass\s+-p\s*[\"']?)([^\s\"']+)")),
    ("mysql", "password", re.compile(r"(mysql(?:dump|admin)?\s(?:[^\n|;]{0,200}\s)?-p)([^\s\"'-][^\s\"']*)")),
    ("docker", "password", re.compile(r"(docker\s+login\s(?:[^\n|;]{0,200}\s)?-p\s*[\"']?)([^\s\"']+)")),
    ("redis-cli", "password", re.compile(r"(redis-cli\s(?:[^\n|;]{0,200}\s)?-a\s+[\"']?)([^\s\"']+)")),
)
_STATEMENTS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("wandb login", "wandb-key", re.compile(r"(wandb login\s+(?:--relogin\s+)?)([0-9a-f]{40})(?![0-9a-f])")),
    ("login(", "api-key", re.compile(r"(login\((?:\w{1,20}=)?[\"'])([^\"'\s]{20,})(?=[\"'])")),
    ("login ", "password", re.compile(r"(login\s{1,4}\S{1,256}\s{1,4}password\s{1,4})(\S+)")),
    (
        "Auth(",
        "password",
        re.compile(r"((?:Basic|Digest|Proxy)Auth\(\s*[bu]?[\"'][^\"'\r\n]{0,128}[\"'],\s*[bu]?[\"'])([^\"'\r\n]+)"),
    ),
    ("dentified by", "password", re.compile(r"([Ii]dentified by [\"'])([^\"'\r\n]+)")),
    ("IDENTIFIED BY", "password", re.compile(r"(IDENTIFIED BY [\"'])([^\"'\r\n]+)")),
)
# A validation error names the field on the line before: pydantic.
_INPUT_VALUE = re.compile(
    r"^((?:[\w-]{1,60}\.){0,8}([\w-]{1,60})[ ]*\r?\n[ \t]+[^\r\n]{0,300}?input_value=)"
    r"([\"'])([^\"'\r\n]{1,1024})(?=\3)",
    re.MULTILINE,
)
# {"name": "DB_PASSWORD", "value": "x"} and its YAML: Kubernetes, Compose, HAR files.
_NAME_VALUE = re.compile(
    r"""([Nn]ame\\?["']?[ \t]{0,4}[:=][ \t]{0,4}\\?["']?([A-Za-z][\w.-]{1,80})\\?["']?,?\s{1,40}"""
    r"""\\?["']?[Vv]alue\\?["']?[ \t]{0,4}[:=][ \t]{0,4}\\?["']?)([^\s"',}\\]{1,4096})"""
)


def redact(text: str, mark: Mark, *, classify: Classify) -> str:
    """Replace secrets that are arguments of commands, and fields named a line above. Linear in the length of `text`."""
    rows = _STATEMENTS
    if "--" in text or " -" in text:
        text = _flags(text, mark, classify)
        rows = _COMMANDS + _STATEMENTS
    for literal, kind, pattern in rows:
        if literal in text:
            text = pattern.sub(partial(_argument, kind=kind, mark=mark), text)
    if "input_value=" in text:
        text = _INPUT_VALUE.sub(lambda m: m[1] + m[3] + _under(m[2], m[4], mark, classify), text)
    if "alue" in text and "ame" in text:
        text = _NAME_VALUE.sub(lambda m: m[1] + _under(m[2], m[3], mark, classify), text)
    return text


def _argument(found: re.Match[str], *, kind: str, mark: Mark) -> str:
    value = found[2]
    if is_placeholder(value) or (value.isdigit() and len(value) < 6):
        return found[0]
    return found[1] + mark(kind, value)


def _under(name: str, value: str, mark: Mark, classify: Classify) -> str:
    key = classify(name)
    return mark(key.kind, value) if is_secret_value(value, key) else value


def _is_stand_in(value: str) -> bool:
    """A marker, or the `TOKEN` of a usage line."""
    return value.startswith("[redacted:") or (value.isupper() and classify(value).secrecy is not Secrecy.NONE)


def _flags(text: str, mark: Mark, classify: Classify) -> str:
    """`--api-key VALUE`: options whose value is the next word."""
    parts: list[str] = []
    done = 0
    for flag in _FLAG.finditer(text):
        key = classify(flag[1])
        before = text[max(0, flag.start() - 2) : flag.start()].removesuffix("-")[-1:]
        if key.secrecy is Secrecy.NONE or flag.start() < done or before.isalnum():
            continue
        value = (_QUOTED[flag[2]] if flag[2] else _WORD).match(text, flag.end())
        if value and not _is_stand_in(value[0]) and is_secret_value(value[0], key):
            parts += [text[done : value.start()], mark(key.kind, value[0])]
            done = value.end()
    return "".join([*parts, text[done:]]) if parts else text
