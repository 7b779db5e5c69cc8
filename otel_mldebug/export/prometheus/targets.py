"""Target files that tell Prometheus which processes there are to scrape: one for each, gone when it ends."""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from otel_mldebug._guard import guard
from otel_mldebug.export.prometheus.address import Address
from otel_mldebug.store.layout import process_name

_SLACK_S = 5.0
"""A process that began this long after its file was written is another one with the same number."""


class TargetFile:
    """One file in the directory that Prometheus's file_sd reads, named after host and process.

    Args:
        directory: Made if it is not there.
        address: Where the process serves its page.
        labels: Labels of the target, besides those that every series carries itself.
    """

    def __init__(self, directory: Path, address: Address, labels: Mapping[str, str]) -> None:
        self._pid = os.getpid()
        self.path = directory / f"{process_name()}.json"
        directory.mkdir(parents=True, exist_ok=True)
        with guard("remove target files of ended processes"):
            sweep(directory)
        content = json.dumps([{"targets": [address.target], "labels": dict(labels)}])
        temporary = self.path.with_suffix(".tmp")  # file_sd reads *.json only, and never half a file
        temporary.write_text(content + "\n", encoding="utf-8")
        temporary.replace(self.path)

    def remove(self) -> None:
        """Remove the file, unless this is a forked child of the process that wrote it."""
        if os.getpid() == self._pid:
            with contextlib.suppress(OSError):
                self.path.unlink()


def sweep(directory: Path) -> None:
    """Remove the files of processes of this host that have ended, killed ones among them."""
    prefix = process_name(pid=0).removesuffix("0")
    for path in directory.glob(f"{prefix}*.json"):
        number = path.stem.removeprefix(prefix)
        if number.isdecimal() and not _alive(int(number), path):
            path.unlink(missing_ok=True)


def _alive(pid: int, path: Path) -> bool:
    try:
        began_s = psutil.Process(pid).create_time()
        written_s = path.stat().st_mtime
    except (psutil.NoSuchProcess, OSError):
        return False
    except psutil.Error:
        return True
    return began_s <= written_s + _SLACK_S and written_s <= time.time() + _SLACK_S
