"""Steps that a program marks itself: for loops without PyTorch, and for those that know better where a step ends."""

import math
import os
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal

from otel_mldebug import _guard
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training import progress
from otel_mldebug.instrument.training.devices.late import LateStep
from otel_mldebug.instrument.training.steps import batches
from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.instrument.training.steps.numbers import Promise, Sent, number, whole
from otel_mldebug.instrument.training.steps.recorder import StepRecorder
from otel_mldebug.instrument.training.steps.relay import Late
from otel_mldebug.instrument.training.steps.track import Track
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord

PhaseName = Literal["data", "copy", "forward", "loss", "backward", "sync", "optimizer"]
_PHASES: dict[str, str] = {
    "data": "data", "copy": "forward", "forward": "forward", "loss": "forward", "backward": "backward",
    "sync": "backward", "optimizer": "optimizer",
}  # fmt: skip
"""The times of a step that each phase is part of."""


def recorder(name: str = "") -> "Recorder":
    """Return what steps of a loop of your own are marked with; nothing is kept until otel-mldebug watches.

    Args:
        name: Of what is being trained, where there are several, such as `generator` and `critic`. Steps of one name
            are judged together. Steps around an optimizer of PyTorch have its name.
    """
    return Recorder(name)


class Recorder:
    """Marks steps: `with recorder.step(samples=64) as step:`. Costs next to nothing; holds no state of its own."""

    def __init__(self, name: str = "") -> None:
        self._name = str(name)

    def step(
        self, *, loss: Any = None, gradient_norm: Any = None, learning_rate: Any = None, samples: Any = None,
        tokens: Any = None, epoch: Any = None,
    ) -> "Step":  # fmt: skip
        """Return one step, which is its block. What the block raises passes through, and then it counts for none.

        Everything that optimizers, backward calls and loaders of PyTorch do in the block belongs to this one step.

        Args:
            loss: What is being minimised, one number of any kind; wins over what PyTorch's backward shows.
            gradient_norm: Euclidean norm of all gradients.
            learning_rate: Of this step.
            samples: Samples in its batches.
            tokens: Tokens in them.
            epoch: Number of the pass over the data, from 0.
        """
        step = Step(self._name)
        step.set(
            loss=loss, gradient_norm=gradient_norm, learning_rate=learning_rate, samples=samples, tokens=tokens,
            epoch=epoch,
        )  # fmt: skip
        return step


class Step:
    """One step, while its block runs. A step inside another one, of the same thread, is a part of that."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._given: dict[str, Any] = {}
        self._phases: dict[str, float] = {}
        self._recorder: StepRecorder | None = None
        self._track: Track | None = None
        self._cell: Cell | None = None
        self._late: list[Late] = []
        self._norms: list[float] = []
        self._rate: float | None = None
        self._skipped = False

    def set(
        self, *, loss: Any = None, gradient_norm: Any = None, learning_rate: Any = None, samples: Any = None,
        tokens: Any = None, epoch: Any = None,
    ) -> None:  # fmt: skip
        """Say what became known meanwhile; the arguments are those of `Recorder.step`. Later values win."""
        for name, value in (("loss", loss), ("gradient_norm", gradient_norm), ("learning_rate", learning_rate)):
            if value is not None and (found := number(value, name)) is not None:
                self._given[name] = found
        for name, value in (("samples", samples), ("tokens", tokens), ("epoch", epoch)):
            if value is not None and (found := whole(value, name)) is not None:
                self._given[name] = found

    def phase(self, name: PhaseName) -> "Timed":
        """Return a block that is one phase of the step; several blocks of one phase add up, and none is inside another.

        Args:
            name: `data`, `copy`, `forward`, `loss`, `backward`, `sync` or `optimizer`; what is in none is `other`.

        Raises:
            ValueError: there is no such phase.
        """
        if name not in _PHASES:
            raise ValueError(f"phase({name!r}): there are {', '.join(_PHASES)}.")
        return Timed(self, name)

    def __enter__(self) -> "Step":
        if not sinks.current().active():
            return self
        with _guard.guard("begin a step"):
            found = current()
            track = found.tracks.track
            if track.explicit is None:
                track.explicit = self
                self._recorder, self._track = found, track
                track.count_no_longer()
                track.optimizers.clear()
                now = found.clock()
                waited_s = sum(fetch.seconds or 0.0 for fetch in track.pending.values())
                track.begin(now)
                track.begun = now - waited_s
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        track, recorder = self._track, self._recorder
        if track is None or recorder is None:
            return
        self._track = None
        track.explicit = None
        with _guard.guard("record a step"):
            if exc is None:
                self._close(recorder, track)
            track.optimizers.clear()
            track.depth = 0
            if exc is not None:
                track.drop_all()
                track.begin(recorder.clock())
                for value in (*self._given.values(), *self._late):
                    if isinstance(value, (Sent, LateStep)) and value.ready():
                        value.read()  # its place in pinned memory is free again

    def stepped(
        self, cell: Cell, learning_rate: float | None, gradient_norm: float | None, skipped: bool, late: Late | None
    ) -> None:
        """Note that an optimizer has stepped within this step, in place of ending it."""
        self._cell = cell
        self._rate = learning_rate if learning_rate is not None else self._rate
        self._skipped = skipped
        if gradient_norm is not None:
            self._norms.append(gradient_norm)
        if late is not None:
            self._late.append(late)
        if self._track is not None:
            self._track.late, self._track.late_norms = [], None

    def spent(self, name: str, seconds: float) -> None:
        """Add to a phase."""
        self._phases[name] = self._phases.get(name, 0.0) + seconds

    def clock(self) -> float:
        """Return monotonic seconds."""
        return current().clock() if self._recorder is None else self._recorder.clock()

    def _close(self, recorder: StepRecorder, track: Track) -> None:
        now, given = recorder.clock(), self._given
        if track.pending and not track.backward_calls:  # nothing of PyTorch's has called backward
            track.data = sum(fetch.seconds or 0.0 for fetch in track.pending.values())
            track.let_go()
        for name in dict.fromkeys(_PHASES[phase] for phase in self._phases):
            setattr(track, name, sum(s for phase, s in self._phases.items() if _PHASES[phase] == name))
        parts = {f"{name}_s": seconds for name, seconds in self._phases.items() if _PHASES[name] != name}
        track.parts = parts or None
        track.samples = given.get("samples", track.samples)
        track.epoch = given.get("epoch", track.epoch)
        cell = self._cell or recorder.cell(self._name)
        if (told := given.get("tokens")) is not None:
            track.tokens = told - sum(map(batches.tokens, track.held))  # of the batches that were seen: added again
            if recorder.extras is None:
                cell.tokens += told
        loss, norm = given.get("loss"), given.get("gradient_norm")
        rate = given.get("learning_rate", self._rate)
        if norm is None and self._norms:
            norm = math.hypot(*self._norms)
        if isinstance(rate, (Promise, Sent)):
            rate = rate.read() if rate.ready() else None
        late = Waiting(loss, norm, self._late) if self._late or _pending(loss) or _pending(norm) else None
        if loss is not None and not _pending(loss):
            track.loss = loss
        recorder.close(
            track, cell, now, 0, rate, None if _pending(norm) else norm, self._skipped, late
        )  # fmt: skip


class Timed:
    """One phase of a step, as a block."""

    __slots__ = ("_name", "_started", "_step")

    def __init__(self, step: Step, name: str) -> None:
        self._step, self._name, self._started = step, name, 0.0

    def __enter__(self) -> None:
        self._started = self._step.clock()

    def __exit__(self, *_: object) -> None:
        self._step.spent(self._name, self._step.clock() - self._started)


class Waiting:
    """Values of a step that are on their way: what was given, and what hooks have sent for."""

    def __init__(self, loss: Any, norm: Any, sent: Sequence[Late]) -> None:
        self._loss, self._norm, self._sent = loss, norm, list(sent)

    def ready(self) -> bool:
        """Return whether all have arrived. Never waits."""
        pending = [value for value in (self._loss, self._norm) if _pending(value)]
        return all(value.ready() for value in (*pending, *self._sent))

    def read(self) -> tuple[float | None, float | None]:
        """Return loss and gradient norm: as given, else as sent for, each summed over all that was sent for."""
        found = [late.read() for late in self._sent]
        losses = [loss for loss, _ in found if loss is not None]
        norms = [norm for _, norm in found if norm is not None]
        loss = self._loss.read() if _pending(self._loss) else self._loss
        norm = self._norm.read() if _pending(self._norm) else self._norm
        return (
            loss if loss is not None else sum(losses) if losses else None,
            norm if norm is not None else math.hypot(*norms) if norms else None,
        )

    def explain(self, record: StepRecord, window: Sequence[StepRecord]) -> tuple[Finding, str] | None:
        """Return what the first that was sent for has to say of values that are not finite."""
        return next((found for late in self._sent if (found := late.explain(record, window)) is not None), None)


def _pending(value: Any) -> bool:
    return isinstance(value, (Promise, Sent))


def current() -> StepRecorder:
    """Return the recorder whose steps count; makes one if nothing has trained here yet."""
    found = progress.recorder()
    if found is None:
        found = StepRecorder()
        progress.follow(found, None)
    return found


def _after_fork() -> None:
    if (found := progress.recorder()) is not None:
        with _guard.guard("start afresh after a fork"):
            found.restart()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
