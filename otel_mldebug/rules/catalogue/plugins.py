"""Pattern files that installed packages bring along: entry points of the group `otel_mldebug_patterns`.

The value of an entry point is `package` or `package:name`: the file is `patterns.toml` or `name.toml` in the directory
of that package. It is found without importing the package: patterns are data, and none of its code runs.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from otel_mldebug._guard import fault, log
from otel_mldebug.errors import ConfigError
from otel_mldebug.rules.catalogue.loader import load, load_all
from otel_mldebug.rules.catalogue.pattern import Pattern

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "otel_mldebug_patterns"


def entries(paths: tuple[Path, ...] = ()) -> tuple[Pattern, ...] | None:
    """Return all entries: those of the user's files, those of plugins, ours; None where there are none but ours.

    An entry of the user's replaces a plugin's with the same id, and a plugin's replaces ours. A plugin whose file
    cannot be used is left out, and the log says why.

    Raises:
        ConfigError: a file of the user's, or an entry in it, is unusable.
    """
    further = [pattern for point in _points() for pattern in _of(point)]
    if not paths and not further:
        return None
    return load_all(paths, further)


def _points() -> "list[EntryPoint]":
    from importlib.metadata import entry_points  # late: importing it takes longer than all the rest

    return sorted(entry_points(group=GROUP), key=lambda point: point.name)


def _of(point: "EntryPoint") -> tuple[Pattern, ...]:
    try:
        return load(_file(point))
    except ConfigError as exc:
        log.warning("the patterns of the plugin %s (%s) are left out: %s", point.name, point.value, exc)
    except Exception as exc:  # noqa: BLE001  (whatever is wrong with a package, the others hold)
        fault(f"read the patterns of the plugin {point.name} ({point.value})", exc)
    return ()


def _file(point: "EntryPoint") -> Path:
    top, *rest = point.module.split(".")
    spec = find_spec(top)
    places: Iterator[str] = iter((spec and spec.submodule_search_locations) or ())
    name = f"{point.attr or 'patterns'}.toml"
    for place in places:
        path = Path(place, *rest, name)
        if path.is_file():
            return path
    raise ConfigError(f"plugin {point.name}", point.value, expected=f"a package with a file {name}")
