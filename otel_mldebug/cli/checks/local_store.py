"""Whether the local store can be written, and how much room it has."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from otel_mldebug.cli.checks.check import FAIL, OK, WARN, Check
from otel_mldebug.config import Config
from otel_mldebug.errors import StoreError
from otel_mldebug.store import layout

_MIB = 2**20


def check(config: Config) -> Iterator[Check]:
    """Yield what is known of the store's directory, which is not made for this."""
    if not config.local:
        yield Check("store", WARN, "switched off by OTEL_MLDEBUG_LOCAL: no verdicts, no history")
        return
    store = Path(os.path.abspath(config.store))  # noqa: PTH100  (resolve would follow the user's links)
    yield access(store)
    yield room(store, free_bytes=shutil.disk_usage(_existing(store)).free, needed_bytes=config.store_max_mb * _MIB)


def access(store: Path) -> Check:
    """Judge whether records can be written to `store`, or the directory made."""
    try:
        layout.check_format(store)
    except StoreError as exc:
        return Check("store", FAIL, str(exc))
    place = _existing(store)
    if not place.is_dir():
        return Check("store", FAIL, f"{place} is a file, so {store} cannot be a directory", "Use another: --store DIR")
    if not os.access(place, os.W_OK | os.X_OK):
        return Check(
            "store", FAIL, f"{place} may not be written by this user", "Use another: --store DIR or OTEL_MLDEBUG_STORE"
        )
    runs = sum(1 for entry in store.iterdir() if (entry / layout.RUN_FILE).is_file()) if store.is_dir() else 0
    return Check(
        "store",
        OK,
        f"{store}, {runs} run{'s' * (runs != 1)}" if store.is_dir() else f"{store}, made at the first record",
    )


def room(store: Path, *, free_bytes: int, needed_bytes: int) -> Check:
    """Judge the free space against what one run may take."""
    detail = f"{free_bytes / 2**30:.1f} GiB free; one run takes at most {needed_bytes / 2**30:.2g} GiB"
    if free_bytes < needed_bytes:
        status = FAIL if free_bytes < 16 * _MIB else WARN
        return Check(
            "store.room", status, detail, f"Free space on the disk of {store}, or lower OTEL_MLDEBUG_STORE_MAX_MB."
        )
    return Check("store.room", OK, detail)


def _existing(path: Path) -> Path:
    """Return the nearest of `path` and its parents that exists."""
    return next(place for place in (path, *path.parents) if place.exists())
