"""Writes `compiled.json` from the catalogue's TOML files: `python -m otel_mldebug.rules.catalogue.generate`."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from otel_mldebug.errors import ConfigError
from otel_mldebug.rules.catalogue.index import GRAM, KEY, index_of
from otel_mldebug.rules.catalogue.loader import COMPILED, digest, read, sources
from otel_mldebug.rules.catalogue.pattern import Match, Pattern


def render(paths: Sequence[Path]) -> str:
    """Return the content of `compiled.json` for these files.

    Raises:
        ConfigError: an entry is wrong, or two have one id.
    """
    entries = [entry for path in paths for entry in read(path, complete=True)]
    seen: dict[str, str] = {}
    for entry in entries:
        if entry["id"] in seen:
            raise ConfigError(
                f"{entry['origin']}: id", entry["id"], expected=f"an id unlike that of {seen[entry['id']]}"
            )
        seen[entry["id"]] = entry["origin"]
    choose_keys(entries)
    head = json.dumps(digest([path.read_bytes() for path in paths]))
    # Plain ASCII: a single character beyond it makes the reader hold and cut up the whole text two bytes wide.
    lines = ",\n".join(json.dumps(entry, separators=(",", ":"), default=dict) for entry in entries)
    index = json.dumps(index_of([Pattern(entry) for entry in entries]), separators=(",", ":"))
    return f'{{"digest": {head}, "index": {index}, "patterns": [\n{lines}\n]}}\n'


def choose_keys(entries: Sequence[dict[str, Any]]) -> None:
    """Give each expression the key whose runs are rarest in the catalogue: its words are those of messages to come."""
    pieces = [piece for entry in entries for match in entry["matches"] for piece in match.literals]
    grams = Counter(gram for piece in pieces for gram in _runs(piece, GRAM))
    keys = Counter(key for piece in pieces for key in _runs(piece, KEY))

    def rarity(key: str) -> tuple[int, int]:
        return sum(grams[gram] for gram in _runs(key, GRAM)), keys[key]

    def keyed(match: Match) -> Match:
        choices = [(rarity(key), key, piece) for piece in match.literals for key in _runs(piece, KEY)]
        if not choices:
            return match
        _, key, piece = min(choices)
        return match._replace(key=key, literals=[piece, *(other for other in match.literals if other != piece)])

    for entry in entries:
        entry["matches"] = [_short(keyed(match)) for match in entry["matches"]]


def _short(match: Match) -> list[Any]:
    """Return the fields of `match` without the empty ones at its end, as most of the further conditions are."""
    fields = list(match)
    while not fields[-1]:
        fields.pop()
    return fields


def _runs(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(len(text) - length + 1)]


def main() -> None:
    """Write the file, or say on one line what is wrong with an entry."""
    try:
        COMPILED.write_text(render(sources()), encoding="utf-8")
    except ConfigError as exc:
        raise SystemExit(str(exc)) from None


if __name__ == "__main__":
    main()
