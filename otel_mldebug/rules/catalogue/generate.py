"""Writes `compiled.json` from the catalogue's TOML files: `python -m otel_mldebug.rules.catalogue.generate`."""

import json
from collections.abc import Sequence
from pathlib import Path

from otel_mldebug.errors import ConfigError
from otel_mldebug.rules.catalogue.loader import COMPILED, digest, read, sources


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
    head = json.dumps(digest([path.read_bytes() for path in paths]))
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    return f'{{"digest": {head}, "patterns": [\n{lines}\n]}}\n'


def main() -> None:
    """Write the file, or say on one line what is wrong with an entry."""
    try:
        COMPILED.write_text(render(sources()), encoding="utf-8")
    except ConfigError as exc:
        raise SystemExit(str(exc)) from None


if __name__ == "__main__":
    main()
