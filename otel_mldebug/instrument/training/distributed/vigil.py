"""Keeps an eye on training from a thread of its own: hangs, and ranks that differ. Steps pay nothing for it."""

import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument import ranks
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training.distributed import settings, threads
from otel_mldebug.instrument.training.distributed.exchange import Exchange, Remote, alive, launch
from otel_mldebug.instrument.training.distributed.standing import Standing
from otel_mldebug.rules.detectors.ranks import RANK_DETECTORS
from otel_mldebug.rules.detectors.ranks.hang import resumed, silent_s, stuck, timeout_s
from otel_mldebug.rules.detectors.ranks.waits import hang
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.ranks import COLLECTIVE, RankView
from otel_mldebug.semconv.names import Phase

TICK_S, ALONE_S = 1.0, 4.0
"""Seconds between two looks, at most: where there are other ranks, which want to know, and where there are none."""
_LOOKS = 8
"""Looks within the time that counts as a hang, at least."""
COMPARE_S = 5.0
"""Seconds between two comparisons of ranks, at least; for each rank …"""
COMPARE_RANK_S = 1.0
"""… so many, because each is read."""
_END_S = 1.0
"""How long the end of the process waits for the thread."""


class Vigil:
    """Watches over one training.

    Args:
        standing: How this rank is doing.
        torch: The module, for several hosts; None without it.
        clock: Monotonic seconds.
        asked: Returns the settings.
    """

    def __init__(
        self,
        standing: Standing,
        torch: Any = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        asked: Callable[[], settings.Settings] = settings.current,
    ) -> None:
        self.standing = standing
        self._torch, self._clock, self._asked = torch, clock, asked
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._files: Exchange | None = None
        self._remote: Remote | None = None
        self._connected = False
        self._hung: tuple[int, float] | None = None
        self._compared = 0.0
        self._told: set[str] = set()

    def begin(self) -> None:
        """Start, unless that has been done, or this process only loads data."""
        if self._thread is not None:
            return
        data = getattr(getattr(self._torch, "utils", None), "data", None)
        if data is not None and data.get_worker_info() is not None:
            return
        with self._lock:
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._run, name="otel-mldebug-vigil", daemon=True)
                self._thread.start()

    def stepping(self) -> None:
        """Note the thread and the loop that steps are made in: called within the first step of each optimizer."""
        self.standing.loop.note()
        self.begin()

    def after_fork(self) -> None:
        """Start afresh, in a forked child, where there is no thread yet."""
        self.__init__(self.standing, self._torch, clock=self._clock, asked=self._asked)  # type: ignore[misc]

    def end(self) -> None:
        """Stop, and compare the ranks a last time: the last one to end has seen all of them."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is None:
            return
        thread.join(_END_S)
        if thread.is_alive() or self.standing.look(TICK_S).world_size < 2:
            return
        self._publish(self._asked().directory)
        if self._files is not None:
            self._files.publish(self.standing.full(ended=True), full=True)
            self._files.publish(replace(self.standing.view, ended=True))
            others = self._files.others(full=True)
            last = len(others) == self.standing.view.world_size - 1 and all(o.ended or o.gone for o in others)
            self._compare(others, self.standing.full(ended=True), everything=last)
            if last and all(other.ended for other in others):
                self._files.clear()

    def _run(self) -> None:
        while not self._stop.wait(self._tick_s()):
            with _guard.guard("watch over training"):
                self.look()

    def _tick_s(self) -> float:
        limit_s = self._asked().hang_timeout
        tick_s = ALONE_S if self.standing.view.world_size < 2 else TICK_S
        return min(tick_s, limit_s / _LOOKS) if limit_s else tick_s

    def look(self) -> None:
        """Look once."""
        told = self._asked()
        view = self.standing.look(self._tick_s())
        if not view.steps and self._hung is None and view.world_size < 2 and view.position.phase != Phase.DATA:
            return
        self._publish(told.directory)
        collective_s = self.standing.patience_s if view.position.phase == COLLECTIVE else None
        limit_s = timeout_s(told.hang_timeout, self.standing.slowest_s(), collective_s)
        if self._hung is not None:
            self._has_it_gone_on(view)
        elif view.idle_s >= limit_s and not math.isinf(limit_s):
            others = self._others(view)
            if stuck(view, others, limit_s):
                self._report_hang(view, others, silent_s(limit_s))
        now = self._clock()
        if self._files is not None and now - self._compared >= max(COMPARE_S, COMPARE_RANK_S * view.world_size):
            self._compared = now
            own = self.standing.full()
            self._files.publish(own, full=True)
            self._compare(self._files.others(full=True), own, everything=False)

    def _report_hang(self, view: RankView, others: Sequence[RankView], limit_s: float) -> None:
        self._hung = view.steps, self._clock() - view.idle_s
        own = threading.get_ident()
        stacks = threads.dump(self.standing.loop.thread, own)
        sinks.current().finding(hang(view, others, silent_s(limit_s)), step=view.steps, context={"stacks": stacks})

    def _has_it_gone_on(self, view: RankView) -> None:
        if self._hung is not None and view.steps > self._hung[0]:
            (step, since), self._hung = self._hung, None
            sinks.current().finding(resumed(step, self._clock() - since), step=step)

    # Other ranks

    def _publish(self, directory: Path | None) -> None:
        view = self.standing.view
        if view.world_size < 2:
            return
        with _guard.guard("tell the other ranks"):
            if self._files is None and directory is not None and directory.is_dir():
                name = launch(os.environ)
                self._files = Exchange(directory, name, view.rank, clock=self._clock, alive=alive)
            if self._files is not None:
                self._files.publish(view)

    def _others(self, view: RankView) -> list[RankView]:
        others = self._files.others() if self._files is not None else []
        if len(others) < view.world_size - 1 and ranks.hosts(os.environ, view.world_size) > 1:
            others += self._far_away(view, {other.rank for other in others})
        return others

    def _far_away(self, view: RankView, known: set[int]) -> list[RankView]:
        """Ask the launcher's store for ranks of other hosts, which is done only while nothing goes on anyway."""
        try:
            if not self._connected:
                self._connected = True
                host, port = os.environ.get("MASTER_ADDR", ""), os.environ.get("MASTER_PORT", "")
                if host and port.isdecimal():
                    self._remote = Remote(self._torch.distributed, host, int(port), view.rank)
            if self._remote is None:
                return []
            self._remote.publish(view)
            return self._remote.others(range(view.world_size), known)
        except Exception:  # noqa: BLE001  (the store does not answer: nothing is known of the others)
            self._remote = None
            return []

    def _compare(self, others: Sequence[RankView], own: RankView, *, everything: bool) -> None:
        """Let the detectors compare; what is about this rank, or about anybody in the end, is told once."""
        if len(others) != own.world_size - 1 or self._files is None:
            return
        views = sorted([own, *others], key=lambda view: view.rank)
        for detect in RANK_DETECTORS:
            found = detect(views)
            if found is None or found.rule in self._told:
                continue
            if (everything or found.evidence.get("rank") == own.rank) and self._files.claim(found.rule):
                self._told.add(found.rule)
                self._tell(found)

    def _tell(self, finding: Finding) -> None:
        evidence = dict(finding.evidence)
        layer = str(evidence.pop("layer", "") or "")
        step = evidence.get("step")
        finding = replace(finding, evidence=evidence)
        sinks.current().finding(finding, step=step if isinstance(step, int) else None, layer=layer)
