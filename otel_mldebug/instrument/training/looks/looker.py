"""Looks into single steps: what they are taken of, when, and what becomes of them.

A look has up to three stages. When backward begins, the graph is complete and still holds what the forward pass saved.
When the optimizer's step begins, gradients are what it will use. When it has ended, what it changed can be seen. In
between nothing runs, and from one step to the next nothing of the user's is held.

To have the next step looked into whatever it costs, call `demand` of `installation().watch.looks`.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from otel_mldebug import _guard
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training import options
from otel_mldebug.instrument.training.debugging.profiling import under_way
from otel_mldebug.instrument.training.looks.collecting import Collector
from otel_mldebug.instrument.training.looks.draft import Draft
from otel_mldebug.instrument.training.looks.judging import Judge
from otel_mldebug.instrument.training.looks.schedule import Schedule
from otel_mldebug.instrument.training.steps.optimizers import Known
from otel_mldebug.instrument.training.steps.track import Track

if TYPE_CHECKING:
    from otel_mldebug.instrument.training.hooks.watch import Watch

EARLY_CALLS = 4
"""First backward calls of a process, or of an optimizer, that are looked at before it is known whose they are."""
MOST_CALLS = 4
"""Backward calls of one step whose graphs are looked at."""
WRITE_S = 10e-6
"""What it costs to write one parameter or operation of a look into the store, seconds. Source: `lines.look_line`."""
MOST_WAITING = 8
"""Looks that may wait for numbers from a device; the oldest goes on without them."""
LAST_S = 0.1
"""How long is waited for a device at the end, seconds."""


class Looker:
    """Takes looks.

    Args:
        watch: What all hooks share.
        cost: Processor time of the thread, seconds.

    Attributes:
        fed: What single steps were given.
        wanted: Whether the next backward call may be one to look at. Hot: hooks read it at every step.
        open: Looks that are under way, by identity of the thread's track. Hot, too.
    """

    def __init__(self, watch: "Watch", *, cost: Callable[[], float] = time.thread_time) -> None:
        self._watch = watch
        self._cost = cost
        self._collector = Collector(watch)
        self._judge = Judge(watch.recorder)
        self.fed = self._judge.fed
        self._early = EARLY_CALLS
        self._demanded = False
        self._waiting: deque[Draft] = deque()
        self._latest: dict[int, Draft] = {}
        self._alone = Schedule(watch.optimizers.purse, watch.recorder.budget.share)
        self.wanted = True
        self.open: dict[int, Draft] = {}

    def demand(self) -> None:
        """Have the next step, or the rest of the one that is going on, looked into, whatever it costs."""
        self._demanded = self.wanted = True
        self._watch.optimizers.wake()

    def made(self, optimizer: Any) -> None:
        """Take note of an optimizer that the program has made: its first step is worth a look."""
        with _guard.guard("take note of an optimizer"):
            self._watch.optimizers.made(optimizer)
            if self._watch.recorder.budget.share > 0 and self._watch.optimizers.purse.first_s > 0:
                self._early, self.wanted = max(self._early, 2), True
                self._watch.optimizers.wake()

    def worry(self) -> None:
        """Take note of a sign of trouble."""
        self.wanted = True

    def finish(self) -> None:
        """Read what is still on its way from a device and judge what has not been judged: nothing more will come."""
        with _guard.guard("finish looks"):
            end = time.monotonic() + LAST_S
            while self._waiting:
                ready = self._waiting.popleft()
                while not ready.readings.ready() and time.monotonic() < end:
                    time.sleep(0.001)
                if ready.cell is not None:
                    self._judge.keep(ready.made(), ready.cell, ready.key)
            self._judge.finish()
            self.open.clear()
            self._latest.clear()

    def restart(self) -> None:
        """Forget everything: in a forked child."""
        self._judge.restart()
        self._waiting.clear()
        self._latest.clear()
        self.open.clear()

    # The three stages

    def backward(self, track: Track, tensors: Any) -> None:
        """Look at the graph of what backward is being called with, if this step is one to look into."""
        began, cost_s = self._watch.clock(), self._cost()
        with _guard.guard("look at the graph of a loss"):
            draft = self._draft(track)
            if draft is not None:
                try:
                    if (draft.seen.calls if draft.seen is not None else 0) < MOST_CALLS:
                        self._collector.graph(draft, track, tensors)
                    elif draft.seen is not None:
                        draft.seen.calls += 1
                        draft.seen.whole = False
                finally:
                    draft.cost_s += self._cost() - cost_s
        self._shift(track, began)

    def step_begins(self, track: Track, known: Known, optimizer: Any, *, closure: bool) -> None:
        """Look at weights and gradients before the optimizer uses them."""
        began, cost_s = self._watch.clock(), self._cost()
        with _guard.guard("look at parameters"):
            draft = self.open.get(id(track))
            if draft is None or draft.step != self._step(track):
                draft = self._shared(track, known) or (self._new(track) if closure and self._due(known) else None)
            if draft is not None:
                draft.key, draft.kind, draft.cell = known.key, type(optimizer).__name__, known.cell
                draft.first, draft.closure = known.steps == 0, closure
                self._collector.parameters(draft, optimizer)
                draft.cost_s += self._cost() - cost_s
        self._shift(track, began)

    def step_ends(self, track: Track, known: Known, optimizer: Any) -> None:
        """Look at what the step has changed, and finish."""
        draft = self.open.pop(id(track), None)
        if draft is None or draft.key != known.key:
            return
        began, cost_s = self._watch.clock(), self._cost()
        with _guard.guard("look at what a step has changed"):
            self._collector.changes(draft, optimizer)
            now_s = self._cost()
            draft.cost_s += now_s - cost_s
            self._latest[id(track)] = draft
            self._finish(draft, track)
            self._pay(draft, known, known.steps - 1, self._cost() - now_s)
        self._shift(track, began)

    def skipped(self, track: Track, known: Known, optimizer: Any) -> None:
        """Look at the parameters of a step that a gradient scaler skips, and finish: it changes nothing."""
        self.step_begins(track, known, optimizer, closure=False)
        draft = self.open.pop(id(track), None)
        if draft is None or draft.key != known.key:
            return
        began, cost_s = self._watch.clock(), self._cost()
        with _guard.guard("look at a step that is skipped"):
            self._finish(draft, track)
            self._pay(draft, known, known.steps, self._cost() - cost_s)
        self._shift(track, began)

    def alone(self, track: Track) -> None:
        """Finish the look into a step of a program without an optimizer."""
        draft = self.open.pop(id(track), None)
        if draft is None:
            return
        began, cost_s = self._watch.clock(), self._cost()
        with _guard.guard("look at parameters"):
            draft.cell = self._watch.recorder.cell("")
            self._collector.parameters(draft, None)
            draft.cost_s += self._cost() - cost_s
            owed_s = self._alone.looked(draft.cell.steps, draft.cost_s, draft.cell.step_s(), options.current().layers)
            self._watch.recorder.relay.watched(0.0, owed_s)
            self._finish(draft, track)
        self._shift(track, began)

    # When

    def _draft(self, track: Track) -> Draft | None:
        """Return the look that the backward call belongs to, a new one if one is due."""
        draft, step = self.open.get(id(track)), self._step(track)
        if draft is not None and draft.step == step:
            return draft
        self.open.pop(id(track), None)  # of a step that never came to its end
        self._latest.pop(id(track), None)
        return self._new(track) if self.wanted and self._wanted() else None

    def _new(self, track: Track) -> Draft:
        recorder = self._watch.recorder
        draft = self.open[id(track)] = Draft(self._step(track), recorder.wall_ns())
        return draft

    def _step(self, track: Track) -> int:
        return self._watch.recorder.index

    def _wanted(self) -> bool:
        if not sinks.current().active() or under_way():
            return False
        if self._demanded:
            self._demanded = False
            return True
        if self._early > 0 and self._watch.recorder.budget.share > 0:
            self._early -= 1
            return True
        if not self._watch.stepping:
            self.wanted = True
            cell = self._watch.recorder.cells.get("")
            return cell is not None and cell.steps >= self._alone.next_step
        due = [known for known in list(self._watch.optimizers.known.values()) if self._due(known)]
        self.wanted = bool(due)
        ready = [known.looks.ready(known.steps) for known in due]  # each of them counts its calls
        return any(ready)

    @staticmethod
    def _due(known: Known) -> bool:
        return known.steps >= known.looks.next_step

    def _shared(self, track: Track, known: Known) -> Draft | None:
        """Return a look at what the backward call before another optimizer's step has shown, if one is due."""
        latest = self._latest.get(id(track))
        if latest is None or track.backward_calls or not self._due(known) or known.key in track.optimizers:
            return None
        draft = self.open[id(track)] = Draft(latest.step, latest.time_ns, seen=latest.seen, stale=latest.stale)
        return draft

    def _pay(self, draft: Draft, known: Known, step: int, finishing_s: float) -> None:
        """Note what the look has cost: collecting, finishing and judging it, and writing it down in another thread."""
        cost_s = draft.cost_s + finishing_s + WRITE_S * draft.items
        step_s = known.cell.step_s() * known.cell.busy
        owed_s = known.looks.looked(step, cost_s, step_s, options.current().layers)
        self._watch.recorder.relay.watched(0.0, owed_s)
        for other in list(self._watch.optimizers.known.values()):
            if other is not known and other.steps >= other.looks.next_step:
                other.looks.missed()

    # What becomes of them

    def _finish(self, draft: Draft, track: Track) -> None:
        draft.release()
        if draft.seen is None and not draft.parameters:
            return  # something is active that must not see what we compute
        draft.readings.send(self._watch.torch, self._watch.devices)
        self._waiting.append(draft)
        for ready in self._arrived():
            look = ready.made()
            if ready.cell is not None and self._judge.judge(look, ready.cell, ready.key, track):
                self._watch.optimizers.worry()
                self.wanted = True

    def _arrived(self) -> Iterable[Draft]:
        while self._waiting and (self._waiting[0].readings.ready() or len(self._waiting) > MOST_WAITING):
            yield self._waiting.popleft()

    def _shift(self, track: Track, began: float) -> None:
        """Leave our own time out of the step's."""
        took = self._watch.clock() - began
        if track.begun:
            track.begun += took
        if track.mark:
            track.mark += took
        self._watch.insides.shift(track, took)
        if track.depth:
            track.optimizer_begun += took
