"""Training steps, whatever framework they come from: they become records, which the sink gets and rules look at."""

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

from otel_mldebug.instrument import budget as budgets
from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.instrument.training.steps.passed import LateLoss, Passed
from otel_mldebug.instrument.training.steps.relay import Late, Relay
from otel_mldebug.instrument.training.steps.reporting import Reporter
from otel_mldebug.instrument.training.steps.signals import Signals
from otel_mldebug.instrument.training.steps.track import Track
from otel_mldebug.instrument.training.steps.tracks import Tracks
from otel_mldebug.rules.course import Evaluation
from otel_mldebug.rules.detectors import DETECTORS, Detector
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord

HOT_S = 8e-6
"""What the hooks of one step cost without a record, seconds. Source: `make bench`, `steps.tiny.cost`."""
RECORD_SHARE = 0.05
"""Share of the budget that records may use; steps too short for that get one now and then, and all when in trouble."""
MOST_BETWEEN, MOST_BETWEEN_S, SHORT_BETWEEN = 32, 0.06, 192
"""Steps between two records, at most: so many, or in short steps as many as take so long, seconds, but never more."""
LATER, LATE_BETWEEN, LATE_BETWEEN_S = 64, 512, 0.5
"""The same in long runs: one for each so many of the steps that have been, which what happens slowly shows in, too."""


class StepRecorder:
    """Counts what happens between two optimizer steps of a thread, makes a `StepRecord` of it, and passes that on.

    Args:
        clock: Monotonic seconds.
        wall_ns: Wall time, nanoseconds since the epoch.
        budget: Pays for records, spans and histogram points; the process's by default.
        detectors: Rules that look at the window of steps of each optimizer.

    Attributes:
        tracks: What is going on, by thread.
        index: Number of the step that is going on.
        indices: Those to come.
        cells: Counts by name of the optimizer.
        latest: The cell of the optimizer that has stepped last; `window` are its latest steps.
        reporter: Knows which rules are firing.
        relay: Passes records on.
        passed: Has the evaluation passes.
        extras: Returns further fields of a record, if there is a framework that has any.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.perf_counter,
        wall_ns: Callable[[], int] = time.time_ns,
        budget: budgets.Budget | None = None,
        detectors: Sequence[Detector] = DETECTORS,
    ) -> None:
        self.clock = clock
        self.wall_ns = wall_ns
        self.budget = budget or budgets.process()
        self.tracks = Tracks()
        self.index = 0
        self.window: Sequence[StepRecord] = ()
        self.cells: dict[str, Cell] = {}
        self.latest: Cell | None = None
        self.indices = itertools.count(1)
        self.passed = Passed()
        self._signals = Signals(self.cells, self.budget, self.passed)
        self.reporter = Reporter(detectors, self._signals)
        self.relay = Relay(clock, self.budget, self.reporter, self._signals)
        self._epoch: int | None = None
        self.extras: Callable[[Track, Cell, int], dict[str, Any]] | None = None

    def cell(self, name: str) -> Cell:
        """Return the cell of the optimizer called `name`."""
        found = self.cells.get(name)
        if found is None:
            found = self.cells[name] = Cell(name)
        return found

    def close(
        self,
        track: Track,
        cell: Cell,
        now: float,
        key: int = 0,
        learning_rate: float | None = None,
        gradient_norm: float | None = None,
        skipped: bool = False,
        late: Late | None = None,
    ) -> bool:
        """End the step of the calling thread.

        Args:
            track: What went on in this thread.
            cell: The optimizer's.
            now: When it ended, by `clock`.
            key: Identity of the optimizer. An optimizer that steps without a backward call since another one has
                stepped belongs to the same step: it gets the same number and objective in a record of its own.
            learning_rate: Of the first parameter group.
            gradient_norm: Of all gradients that the optimizer saw.
            skipped: A gradient scaler kept the optimizer from stepping.
            late: Where objective and gradient norm come from, if they are still on a device.

        Returns:
            Whether the next step of this thread needs no record, so that its phases need not be measured.
        """
        track.count_no_longer()
        if track.explicit is not None:
            track.closed += 1
            track.explicit.stepped(cell, learning_rate, gradient_norm, skipped, late)
            return False
        stepped = track.optimizers
        if stepped and not track.backward_calls and key not in stepped:
            index, loss = max(0, self.index - 1), track.previous_loss
        else:
            self.index = following = next(self.indices)
            index, loss = following - 1, track.loss
            if stepped:
                stepped.clear()
        track.previous_loss = loss
        stepped.append(key)
        track.closed += 1
        duration_s = now - track.begun
        stands_for = cell.count(track, duration_s)
        self.latest, self.window = cell, cell.window
        self.relay.watched(stands_for * duration_s, stands_for * HOT_S)
        steps, span = cell.steps, track.span
        if (
            steps >= cell.next_record
            or gradient_norm is not None
            or (loss is not None and not loss < cell.loss_alarm)
            or late is not None
            or span is not None
        ):
            record = self._record(track, cell, now, index, loss, learning_rate, gradient_norm, skipped)
            cell.next_record = steps + self._between(duration_s * cell.busy) if steps >= cell.full_until else 0
            track.begin(now)
            self.relay.add(record, cell, span, late)
            self.relay.price(self.clock() - now)
        else:
            track.begin(now)
        return len(self.cells) == 1 and late is None and steps + 1 < cell.next_record

    def counted(self, track: Track) -> bool:
        """End the last of some steps whose phases were not measured, only counting it if its numbers look good.

        Returns:
            Whether that was all; if not, `light_record` has to be called.
        """
        cell, loss = track.light.cell, track.loss
        if track.span is not None or track.passed or not (loss is None or loss < cell.loss_alarm):
            return False
        self.index = next(self.indices)
        track.depth = 0
        cell.steps += 1
        cell.samples += track.samples or 0
        track.count_no_longer()
        track.begin(self.clock())
        return True

    def light_record(self, track: Track, cell: Cell, now: float, learning_rate: float | None) -> None:
        """End a step whose phases were not measured with a record of what is known of it."""
        self.index = following = next(self.indices)
        index = following - 1
        track.depth = 0
        cell.steps += 1
        cell.samples += track.samples or 0
        track.count_no_longer()
        track.begun = now - (now - track.begun) / cell.unmeasured
        track.data = track.forward = None  # nobody has noted when they began
        record = self._record(track, cell, now, index, track.loss, learning_rate, track.norm, False)
        span = track.span
        track.begin(now)
        self.relay.add(record, cell, span)

    def _record(
        self,
        track: Track,
        cell: Cell,
        now: float,
        index: int,
        loss: float | None,
        learning_rate: float | None,
        gradient_norm: float | None,
        skipped: bool,
    ) -> StepRecord:
        self._epoch = track.epoch
        cell.window.shared = len(self.cells) > 1
        return StepRecord(
            index=index,
            time_ns=self.wall_ns(),
            duration_s=now - track.begun,
            data_s=track.data,
            forward_s=track.forward,
            backward_s=track.backward,
            optimizer_s=track.optimizer,
            loss=loss,
            gradient_norm=gradient_norm,
            learning_rate=learning_rate,
            samples=track.samples,
            epoch=track.epoch,
            optimizer=cell.name,
            backward_calls=track.backward_calls,
            skipped=skipped,
            **(self.extras(track, cell, index) if self.extras is not None else {"tokens": track.tokens or None}),
            **(cell.split(track, track.parts) if track.parts else {}),
            **(self.passed.take(track) if track.passed or self.passed else {}),
        )

    def _between(self, duration_s: float) -> int:
        """Return how many steps from this record on the next one may be made."""
        allowed_s = RECORD_SHARE * self.budget.share * duration_s
        if allowed_s <= 0:
            return MOST_BETWEEN
        most = min(SHORT_BETWEEN, max(MOST_BETWEEN, int(MOST_BETWEEN_S / duration_s)))
        late = min(self.index // LATER, LATE_BETWEEN, int(LATE_BETWEEN_S / duration_s))
        return min(max(most, late), 1 + int(self.relay.record_s / allowed_s))

    def evaluated(self, track: Track, evaluation: Evaluation, late: LateLoss | None) -> None:
        """Note an evaluation pass of the calling thread that has ended.

        Args:
            track: What went on in this thread.
            evaluation: What is known of the pass.
            late: Where its loss comes from, if that is still on a device.
        """
        self.passed.add(track, evaluation, late, self.latest)

    def finish(self) -> None:
        """Pass on all that is left: nothing more will come."""
        cell = self.latest
        if cell is not None and cell.window and cell.window[-1].index < self.index - 1:
            last = StepRecord(  # it says how many steps there were
                index=self.index - 1,
                time_ns=self.wall_ns(),
                duration_s=cell.duration_s / max(1, cell.steps - cell.unmeasured),
                learning_rate=cell.learning_rate,
                epoch=cell.window[-1].epoch,
                optimizer=cell.name,
            )
            self.relay.add(last, cell, None)
        self.relay.finish(list(self.cells.values()))

    def report(self, track: Track, finding: Finding, *, layer: str = "") -> None:
        """Send what was found while the calling thread's step is still going on, unless its family is firing."""
        if self.reporter.firing(finding.rule):
            return
        self.reporter.under_way(finding, self.span_of(track), step=self.index, epoch=track.epoch, layer=layer)

    def span_of(self, track: Track) -> Any:
        """Return the span of the calling thread's step; from now on it has one."""
        if track.span is None:
            ago_s = self.clock() - track.begun if track.begun else 0.0
            track.span = self._signals.start_span(self.wall_ns() - int(ago_s * 1e9))
            track.wake()
        return track.span

    def restart(self) -> None:
        """Forget what has been: in a forked child, whose steps are its own and begin at 0."""
        self.index = 0
        self.indices = itertools.count(1)
        self.relay.restart()
        for cell in self.cells.values():
            cell.restart()
        self.tracks.restart()
        self.reporter.restart()

    def progress(self) -> dict[str, Any]:
        """Return where training stands, for whoever reports an exception: step, epoch, latest loss, learning rate."""
        track = self.tracks.track
        if not self.index and not track.backward_calls and not track.begun:
            return {}
        known: dict[str, Any] = {"step": self.index, "epoch": self._epoch if track.epoch is None else track.epoch}
        if (cell := self.latest) is not None:
            known.update(loss=cell.loss, gradient_norm=cell.gradient_norm, learning_rate=cell.learning_rate)
        return {key: value for key, value in known.items() if value is not None}
