"""How much of paths, host names, user names and command lines is shown: private, though no secrets.

Everything about the machine comes in as a `Place`, so that the functions are pure.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Exposure(str, Enum):
    """How much is shown."""

    FULL = "full"
    """Everything, as it is."""
    SHORT = "short"
    """Paths relative to the package, the project or `~`; hosts by their first label; users by a pseudonym."""
    NONE = "none"
    """No stack traces, no paths, no names, no arguments: an empty text or list stands for "leave it out"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the program runs; what is empty is not known and not shortened.

    Attributes:
        home: The user's home directory.
        cwd: The working directory, taken as the project's.
    """

    home: str = ""
    cwd: str = ""


_PACKAGE = re.compile(r".*[\\/](?:site|dist)-packages[\\/](.+)", re.DOTALL)
_STDLIB = re.compile(r".*[\\/](?:lib(?:64)?[\\/](python\d(?:\.\d+)?t?)|Python\d+[\\/](Lib))[\\/](.+)", re.DOTALL)
_ANY_HOME = re.compile(
    r"(?:/(?:home|Users|export/home|u|nfs/home)/[^/\s]+|/root|[A-Za-z]:[\\/]Users[\\/][^\\/]+)(?=[\\/]|\Z)"
)
# The quoted path of a frame may hold spaces; elsewhere a path ends at a space or a delimiter.
_PATH_IN_TEXT = re.compile(
    r"(?<=File \")[^\"\r\n]{1,4096}|(?<![\w./\\~-])(?:[A-Za-z]:\\|/)(?!/)[^\s\"'<>|:*?,;()\[\]{}`]{1,4096}"
)


def path(file: str, level: Exposure, place: Place) -> str:
    """Return the file name of a frame, as much of it as `level` shows; empty for NONE."""
    if level is Exposure.FULL:
        return file
    return "" if level is Exposure.NONE else _shorten(file, place)


def trace(text: str, level: Exposure, place: Place) -> str:
    """Return the text of a stack trace with its paths shortened; empty for NONE."""
    return "" if level is Exposure.NONE else message(text, level, place)


def message(text: str, level: Exposure, place: Place) -> str:
    """Return a message with the paths in it shortened, for SHORT and NONE alike: a message is always shown."""
    if level is Exposure.FULL:
        return text
    return _PATH_IN_TEXT.sub(lambda found: _shorten(found[0], place), text)


def hostname(host: str, level: Exposure) -> str:
    """Return the host name: for SHORT its first label, and nothing of an address."""
    if level is Exposure.FULL:
        return host
    first = host.partition(".")[0]
    return "" if level is Exposure.NONE or first.isdigit() or ":" in host else first


def username(user: str, level: Exposure) -> str:
    """Return the user name: for SHORT a pseudonym that is the same in every run, and no proof against guessing."""
    if level is Exposure.FULL or not user:
        return user
    digest = hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()
    return "" if level is Exposure.NONE else f"user-{digest[:8]}"


def argv(arguments: Iterable[str], level: Exposure, place: Place) -> list[str]:
    """Return a command line with the paths in it shortened; empty for NONE. Secrets are the redactor's task."""
    return [] if level is Exposure.NONE else [message(argument, level, place) for argument in arguments]


def _shorten(file: str, place: Place) -> str:
    """Relative to site-packages, the standard library, the project or a home directory, whichever it is in."""
    if package := _PACKAGE.match(file):
        return f"site-packages/{package[1]}"
    if stdlib := _STDLIB.match(file):
        return f"{stdlib[1] or stdlib[2]}/{stdlib[3]}"
    if (inside := _inside(file, place.cwd)) is not None:
        return inside or "."
    if (inside := _inside(file, place.home)) is not None:
        return f"~/{inside}" if inside else "~"
    home = _ANY_HOME.match(file)
    return "~" + file[home.end() :] if home else file


def _inside(file: str, directory: str) -> str | None:
    """The rest of `file` below `directory`, or None where it is not below it."""
    directory = directory.rstrip("\\/")
    if not directory or not file.startswith(directory):
        return None
    rest = file[len(directory) :]
    return rest.lstrip("\\/") if not rest or rest[0] in "\\/" else None
