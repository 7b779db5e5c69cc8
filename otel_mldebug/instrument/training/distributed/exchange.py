"""How the ranks of one launch tell each other how they are, without a collective and without ever waiting.

On one host each rank keeps a small file up to date, in the run's directory of the store. Over several hosts there is,
on top, a connection of its own to the store that the launcher keeps for its ranks (`MASTER_ADDR`), with its own keys.
"""

import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from otel_mldebug.rules.ranks import RankView, view_of
from otel_mldebug.store.layout import file_name, read_json, write_json

RANKS = ".ranks"
"""Directory, inside of the run's, of the files of its ranks."""
_SHORT, _FULL = "r", "all"
"""Beginnings of the names of those files: where a rank is, and all that there is to compare."""
_MOST_RANKS = 64
"""Ranks that are read at most."""


def launch(environ: Mapping[str, str]) -> str:
    """Return what the ranks of one launch have in common on this host: who started them, and for which time."""
    return f"{os.getppid()}-{file_name(environ.get('TORCHELASTIC_RESTART_COUNT', '0') or '0')}"


class Exchange:
    """The files of the ranks of one launch.

    Args:
        run: Directory of the run, which exists.
        name: Of the launch.
        rank: This one.
        clock: Monotonic seconds.
        wall_s: Wall time, seconds since the epoch: tells how old a file is that is seen for the first time.
        alive: Returns whether a process of this host exists.
    """

    def __init__(
        self,
        run: Path,
        name: str,
        rank: int,
        *,
        clock: Callable[[], float],
        alive: Callable[[int], bool],
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._directory = run / RANKS / name
        self._rank, self._clock, self._alive, self._wall_s = rank, clock, alive, wall_s
        self._beat = 0
        self._heard: dict[int, tuple[int, float]] = {}

    def publish(self, view: RankView, *, full: bool = False) -> None:
        """Tell the others how this rank is.

        Args:
            view: What is told.
            full: It has all that there is to compare, and is to be kept beside the shorter ones.

        Raises:
            OSError: the file cannot be written.
        """
        self._beat += 1
        self._directory.mkdir(parents=True, exist_ok=True)
        page = {"beat": self._beat, "pid": os.getpid(), "host": platform.node(), "view": view.to_json()}
        write_json(self._directory / f"{_FULL if full else _SHORT}{self._rank}.json", page)

    def others(self, *, full: bool = False) -> list[RankView]:
        """Return the other ranks, as far as they have told of themselves, in order."""
        found: list[RankView] = []
        kind = _FULL if full else _SHORT
        with suppress(OSError):
            for path in sorted(self._directory.glob(f"{kind}*.json"), key=lambda path: (len(path.name), path.name)):
                if path.name != f"{kind}{self._rank}.json" and (view := self._read(path)) is not None:
                    found.append(view)
                if len(found) >= _MOST_RANKS:
                    break
        return found

    def _read(self, path: Path) -> RankView | None:
        page = read_json(path) or {}
        view = view_of(page.get("view") or {})
        beat, pid = page.get("beat"), page.get("pid")
        if view is None or not isinstance(beat, int) or not isinstance(pid, int):
            return None
        now = self._clock()
        heard = self._heard.get(view.rank)
        if heard is None or heard[0] != beat:
            heard = self._heard[view.rank] = beat, now - (self._age_s(path) if heard is None else 0.0)
        gone = not view.ended and page.get("host") == platform.node() and not self._alive(pid)
        age_s = now - heard[1]
        # Nobody computes when the process is silent: what it last said has lasted since.
        return replace(view, age_s=age_s, idle_s=view.idle_s + age_s, gone=gone)

    def _age_s(self, path: Path) -> float:
        with suppress(OSError):
            return max(0.0, self._wall_s() - path.stat().st_mtime)
        return 0.0

    def claim(self, what: str) -> bool:
        """Return whether this rank is the first to tell of `what`."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            (self._directory / f"told-{file_name(what)}").touch(exist_ok=False)
        except FileExistsError:
            return False
        except OSError:
            return True
        return True

    def clear(self) -> None:
        """Remove the files: all ranks have ended."""
        shutil.rmtree(self._directory, ignore_errors=True)
        with suppress(OSError):
            self._directory.parent.rmdir()


class Remote:
    """A connection of its own to the launcher's key-value store. Every call is short, and whatever fails is given up.

    Args:
        distributed: `torch.distributed`.
        host: Where the store is.
        port: Of it.
        rank: This one.
        wait_s: How long one call may take, seconds.
    """

    def __init__(self, distributed: Any, host: str, port: int, rank: int, *, wait_s: float = 2.0) -> None:
        from datetime import timedelta

        store = distributed.TCPStore(
            host, port, is_master=False, timeout=timedelta(seconds=wait_s), wait_for_workers=False
        )
        self._store = distributed.PrefixStore("otel_mldebug", store)
        self._rank = rank

    def publish(self, view: RankView) -> None:
        """Tell the others where this rank is; what is large is left out."""
        self._store.set(
            f"r{self._rank}", json.dumps(replace(view, checks=(), times=(), batches={}, fed=(), reduced=()).to_json())
        )

    def others(self, ranks: range, known: set[int]) -> list[RankView]:
        """Return those of `ranks` that have told of themselves and are not known already."""
        found = []
        for rank in [rank for rank in ranks if rank not in known and rank != self._rank][:_MOST_RANKS]:
            if self._store.check([f"r{rank}"]):
                view = view_of(json.loads(self._store.get(f"r{rank}")))
                found += [view] if view is not None else []
        return found


def alive(pid: int) -> bool:
    """Return whether a process of this host exists, as far as one can tell."""
    if sys.platform == "win32":  # there, signal 0 would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
