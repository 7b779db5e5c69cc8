"""What is inside of the time before backward: making and copying the batch, the model's forward pass, the loss.

Seen in a few of the steps that are recorded. In those a global hook waits for the next call of a model, and takes
itself out of PyTorch before the model runs: layers inside of it are called as ever. A hook on that one model, for that
one call, tells when it returns. Neither is ever there once the program compiles something.
"""

from typing import TYPE_CHECKING, Any

from otel_mldebug.instrument.training.debugging.hooks import Hook
from otel_mldebug.instrument.training.steps.batches import tensors
from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.instrument.training.steps.track import Track

if TYPE_CHECKING:
    from otel_mldebug.instrument.training.hooks.watch import Watch

FIRST = 4
"""Recorded steps at the beginning that are looked into, after the very first."""
EVERY = 8
"""Of those that follow, one in so many."""
MOST_OTHERS = 8
"""Calls of what is not being trained (losses, activations, evaluation), after which a step is left alone."""


class Sample:
    """One step that is looked into.

    Attributes:
        track: Of its thread.
        prepare_s: Time from the end of the step before to the first forward pass, where no loader was asked and no
            model has computed anything meanwhile.
        copy_s: Time from batches to forward passes that had to wait for their batch to get to another device.
        loss_s: Time from ends of forward passes to backward.
        ended: When the latest forward pass since the latest backward call ended; 0.0 before that.
        told: Backward calls whose forward pass was seen.
        others: Calls that were of no interest.
        inferred: Whether one of them was of a model: it plays, or is evaluated.
    """

    __slots__ = ("copy_s", "ended", "handles", "inferred", "loss_s", "others", "prepare_s", "told", "track")

    def __init__(self, track: Track) -> None:
        self.track = track
        self.prepare_s: float | None = None
        self.copy_s: float | None = None
        self.inferred = False
        self.loss_s = self.ended = 0.0
        self.told = self.others = 0
        self.handles: list[Any] = []

    def let_go(self) -> None:
        """Take the hook out of PyTorch that is there."""
        while self.handles:
            self.handles.pop().remove()


class Insides:
    """Looks into steps.

    Args:
        watch: What all hooks share.

    Attributes:
        sample: The step that is being looked into; None for none.
    """

    def __init__(self, watch: "Watch") -> None:
        torch = watch.torch
        self._modules = torch.nn.modules.module
        self._enabled = torch.is_grad_enabled
        self._scripted = torch.jit.ScriptModule
        self._clock = watch.clock
        self._tracks = watch.recorder.tracks
        self._begins = Hook(torch, self._begin, "see a forward pass begin")
        self._ends = Hook(torch, self._end, "see a forward pass end")
        self._left, self._wait = FIRST, 0
        self._on = True
        self.sample: Sample | None = None

    def remove(self) -> None:
        """Take everything out of PyTorch, for good."""
        self._on = False
        self._drop()

    def restart(self) -> None:
        """Leave the step alone that is being looked into: in a forked child it is not its own."""
        self._drop()

    def step_ended(self, track: Track, cell: Cell) -> None:
        """Look into the step that begins now, if it is to be recorded and its turn has come."""
        if self.sample is not None and self.sample.track is track:
            self._drop()
        if not self._on or track.light or self.sample is not None or cell.steps + 1 < cell.next_record:
            return
        self._wait -= 1
        if self._wait > 0:
            return
        self._left -= self._left > 0
        self._wait = 1 if self._left else EVERY
        self.sample = Sample(track)
        self._arm(self.sample)

    def backward(self, track: Track, now: float) -> None:
        """Note that backward begins, before the track is told of it."""
        sample = self.sample
        if sample is not None and sample.track is track and sample.ended:
            sample.loss_s += now - sample.ended
            sample.ended = 0.0
            sample.told += 1

    def shift(self, track: Track, seconds: float) -> None:
        """Leave time of our own out."""
        if self.sample is not None and self.sample.track is track and self.sample.ended:
            self.sample.ended += seconds

    def take(self, track: Track) -> dict[str, float]:
        """Return what was seen of the step that is ending; nothing unless all of its forward passes were seen."""
        sample = self.sample
        if sample is None or sample.track is not track:
            return {}
        self._drop()
        if not sample.told or sample.told != track.backward_calls:
            return {}
        found = {"loss_s": sample.loss_s}
        if sample.prepare_s is not None:
            found["prepare_s"] = sample.prepare_s
        if sample.copy_s is not None:
            found["copy_s"] = sample.copy_s
        return found

    def _arm(self, sample: Sample) -> None:
        sample.let_go()
        sample.handles.append(self._modules.register_module_forward_pre_hook(self._begins))

    def _drop(self) -> None:
        sample, self.sample = self.sample, None
        if sample is not None:
            sample.let_go()

    def _begin(self, module: Any, *_: Any) -> None:
        sample, track = self.sample, self._tracks.track
        if sample is None or sample.track is not track:
            return
        parameter = None if isinstance(module, self._scripted) else next(module.parameters(), None)
        if parameter is None or not self._enabled() or track.busy:
            sample.others += 1
            sample.inferred = sample.inferred or parameter is not None
            if sample.others > MOST_OTHERS:
                self._drop()
            return
        sample.let_go()
        if not sample.ended and track.mark:
            if track.pending:
                self._copied(sample, track, parameter.device)
            elif not track.backward_calls and not sample.inferred and track.passing is None and not track.passed:
                sample.prepare_s = self._clock() - track.mark
        sample.handles.append(module.register_forward_hook(self._ends))

    def _copied(self, sample: Sample, track: Track, device: Any) -> None:
        """Count the time since the batch was there as copying it, if it was on another device than the model."""
        now = self._clock()
        batch = next(iter(track.pending.values())).batch
        first = next(iter(tensors(batch)), None)
        if first is not None and first.device != device:
            sample.copy_s = (sample.copy_s or 0.0) + now - track.mark

    def _end(self, *_: Any) -> None:
        sample = self.sample
        if sample is None or sample.track is not self._tracks.track:
            return
        sample.ended = self._clock()
        self._arm(sample)
