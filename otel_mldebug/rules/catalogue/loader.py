"""Loads the catalogue: our own entries from `compiled.json`, a user's from TOML."""

import hashlib
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from otel_mldebug.errors import ConfigError
from otel_mldebug.rules.catalogue.index import Index
from otel_mldebug.rules.catalogue.pattern import Pattern

DIRECTORY = Path(__file__).parent
COMPILED = DIRECTORY / "compiled.json"
FORMAT = b"7"
"""Changes with the form of the compiled entries, so that what an older version wrote is not read."""
MAX_FILE_BYTES = 8 * 2**20
"""A pattern file above this size is refused."""


def sources() -> list[Path]:
    """Return our own files, sorted."""
    return sorted(DIRECTORY.glob("*.toml"))


def digest(texts: Sequence[bytes]) -> str:
    """Return what identifies the content of our own files and the form in which they are compiled."""
    total = hashlib.sha256(FORMAT)
    for text in texts:
        total.update(len(text).to_bytes(8, "big") + text)
    return total.hexdigest()


@lru_cache(maxsize=1)
def _own() -> tuple[tuple[Pattern, ...], Index | None]:
    files = sources()
    cache = json.loads(COMPILED.read_bytes())
    entries = cache["patterns"]
    index: Index | None = Index(*cache["index"])
    if cache["digest"] != digest([path.read_bytes() for path in files]):
        with suppress(ConfigError):
            entries, index = [entry for path in files for entry in read(path, complete=True)], None
    return tuple([Pattern(entry) for entry in entries]), index


def builtin() -> tuple[Pattern, ...]:
    """Return our own entries; read at the first call.

    `compiled.json` is used when it is what the TOML files say, which a hash of them tells. Otherwise, as while an entry
    is being written, the TOML files are read; should one of them be wrong, the last good `compiled.json` serves.
    """
    return _own()[0]


def builtin_index() -> Index | None:
    """Return the index of our own entries, as `compiled.json` has it; None where that is outdated."""
    return _own()[1]


def load(path: Path) -> tuple[Pattern, ...]:
    """Return the entries of a user's file.

    Raises:
        ConfigError: the file or an entry is unusable; the message names file, entry, field and remedy.
    """
    return tuple(Pattern(entry) for entry in read(path, complete=False))


def load_all(paths: Sequence[Path], further: Sequence[Pattern] = ()) -> tuple[Pattern, ...]:
    """Return the entries of the user's files, then `further` ones, then our own; of one id the first kind has it.

    Raises:
        ConfigError: a file or an entry is unusable.
    """
    own = {pattern.id: pattern for pattern in further}
    for path in paths:
        for pattern in load(path):
            own[pattern.id] = pattern
    return (*own.values(), *(pattern for pattern in builtin() if pattern.id not in own))


def read(path: Path, *, complete: bool) -> list[dict[str, Any]]:
    """Return the entries of one TOML file in normal form.

    Raises:
        ConfigError: the file or an entry is unusable; the message has all that is wrong, a line for each mistake.
    """
    from otel_mldebug.rules.catalogue.schema import normal  # late: needed for TOML only, not for compiled entries

    entries: list[dict[str, Any]] = []
    problems: list[ConfigError] = []
    seen: dict[str, int] = {}
    for number, table in enumerate(_tables(path), start=1):
        where = f"{path}: pattern {number}"
        try:
            entry = normal(table, where, complete=complete)
        except ConfigError as exc:
            problems.extend(exc.each)
            continue
        own = entry["id"]
        if own in seen:
            expected = f"an id of its own; pattern {seen[own]} has this one"
            problems.append(ConfigError(f"{where} ({own}): id", own, expected=expected))
        seen[own] = number
        entries.append({**entry, "origin": f"{path.name}: pattern {number}"})
    if problems:
        raise ConfigError.of(problems)
    return entries


def _tables(path: Path) -> list[Any]:
    """Return the entries of one TOML file as they stand there."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(str(path), f"{path.stat().st_size} bytes", expected=f"at most {MAX_FILE_BYTES} bytes")
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(str(path), "no such file", expected="the path of a pattern file that exists") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(str(path), str(exc), expected="a readable TOML file in UTF-8") from None
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(str(path), str(exc), expected="valid TOML") from None
    if unknown := sorted(set(document) - {"pattern"}):
        raise ConfigError(
            f"{path}: {unknown[0]}", document[unknown[0]], expected="only [[pattern]] entries in this file"
        )
    tables = document.get("pattern", [])
    if not isinstance(tables, list):
        raise ConfigError(f"{path}: pattern", tables, expected="entries that begin with [[pattern]] in double brackets")
    return tables
