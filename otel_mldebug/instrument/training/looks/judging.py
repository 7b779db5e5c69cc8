"""Finished looks on their way: to the sink, to metrics, and to the rules that judge them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from otel_mldebug import _guard
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training.looks.fed import Fed
from otel_mldebug.instrument.training.looks.gauges import Gauges
from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.instrument.training.steps.recorder import StepRecorder
from otel_mldebug.instrument.training.steps.track import Track
from otel_mldebug.rules.detectors import LAST_DETECTORS, LOOK_DETECTORS, LookDetector
from otel_mldebug.rules.detectors.once import judging
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Operation

MOST_LOOKS = 64
"""Looks of one optimizer that rules look back on."""
FIRST_LOOKS = 16
"""Looks of one optimizer that are judged at once, …"""
JUDGE_SHARE = 0.002
"""… before judging is kept within this share of the time."""
FULL_LOOKS = 16
"""Looks of one optimizer that are written down in full, …"""
FULL_EVERY = 8
"""… before only every so many are: the rest say little new of operations, and are a third as large."""
FINISH_S = 0.5
"""Processor time after which no further optimizer's looks are judged at the end."""
MOST_ITEMS = 8_000
"""Parameters, operations and parts in all of them: about 5 MB. Beyond, the oldest but the first are dropped."""


class Judge:
    """Keeps the latest looks of each optimizer and lets detectors judge them.

    Args:
        recorder: Has the steps, and whoever reports.
        detectors: In order of importance.
        last: Those that judge once, when the program ends.

    Attributes:
        fed: What single steps were given.
    """

    def __init__(
        self,
        recorder: StepRecorder,
        detectors: Sequence[LookDetector] = LOOK_DETECTORS,
        *,
        last: Sequence[LookDetector] = LAST_DETECTORS,
        cost: Callable[[], float] = time.thread_time,
    ) -> None:
        self._recorder = recorder
        self._detectors = detectors
        self._last = last
        self._cost = cost
        self._next: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._left: dict[str, Cell] = {}
        self._cells: dict[str, Cell] = {}
        self._written: dict[str, int] = {}
        self._gauges = Gauges()
        self.fed = Fed()
        self._windows: dict[str, tuple[int, list[Look]]] = {}

    def judge(self, look: Look, cell: Cell, key: int, track: Track) -> bool:
        """Keep `look` and report what the looks of its optimizer show.

        Args:
            look: The latest.
            cell: The optimizer's.
            key: Identity of the optimizer: another one of the same name begins anew.
            track: What is going on in this thread.

        Returns:
            Whether something new was found.
        """
        window = self.keep(look, cell, key)
        count = self._counts[cell.name] = self._counts.get(cell.name, 0) + 1
        if count > FIRST_LOOKS and self._recorder.clock() < self._next.get(cell.name, 0.0):
            return False
        self._left.pop(cell.name, None)
        began_s = self._cost()
        try:
            return self._judged(window, cell, track, self._detectors)
        finally:
            self._next[cell.name] = self._recorder.clock() + (self._cost() - began_s) / JUDGE_SHARE

    def keep(self, look: Look, cell: Cell, key: int) -> list[Look]:
        """Pass `look` on and keep it for later judgements; return the looks of its optimizer."""
        owner, window = self._windows.get(cell.name, (key, []))
        if owner != key:
            window = []
            self._counts.pop(cell.name, None)
            look = replace(look, began=look.step)
        elif began := window[-1].began if window else max(0, look.step - cell.steps):
            look = replace(look, began=began)
        number = self._written[cell.name] = self._written.get(cell.name, -1) + 1
        sinks.current().look(look if number < FULL_LOOKS or number % FULL_EVERY == 0 else slim(look))
        self._gauges.show(look)
        self.fed.note(look)
        self._windows[cell.name] = key, window
        window.append(look)
        while len(window) > 2 and (len(window) > MOST_LOOKS or sum(map(_items, window)) > MOST_ITEMS):
            del window[1]
        self._left[cell.name] = self._cells[cell.name] = cell
        return window

    def _judged(self, window: list[Look], cell: Cell, track: Track, detectors: Sequence[LookDetector]) -> bool:
        found: list[Finding] = []
        with judging(window):
            for detect in detectors:
                with _guard.guard(f"judge looks by {getattr(detect, '__name__', detect)}"):
                    finding = detect(window, cell.window)
                    if finding is not None:
                        found.append(finding)
        recorder = self._recorder
        return recorder.reporter.of_looks(found, cell, lambda: recorder.span_of(track), step=window[-1].step)

    def finish(self) -> None:
        """Judge the looks that judging had no time for, and what only the end tells, once: nothing more will come."""
        began_s, left, cells, self._left, self._cells = self._cost(), self._left, self._cells, {}, {}
        for name, cell in cells.items():
            if self._cost() - began_s > FINISH_S:
                break
            track = Track()
            detectors = (*self._detectors, *self._last) if name in left else self._last
            self._judged(self._windows[name][1], cell, track, detectors)
            if track.span is not None:
                track.span.end()

    def restart(self) -> None:
        """Forget all looks."""
        self._windows.clear()
        self.fed.restart()
        self._left.clear()
        self._cells.clear()
        self._written.clear()


def slim(look: Look) -> Look:
    """Return a look with those operations only whose units say something, and of them only that."""
    told = (o for o in look.operations if o.dead is not None or o.saturated is not None)
    operations = tuple(
        Operation(kind=o.kind, layer=o.layer, shape=o.shape, units=o.units, dead=o.dead, saturated=o.saturated)
        for o in told
    )
    return replace(look, operations=operations, complete=False)


def _items(look: Look) -> int:
    return 1 + len(look.parameters) + len(look.operations) + len(look.parts)
