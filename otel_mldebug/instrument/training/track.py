"""What is going on in one thread between two training steps: times of its phases, and what it has produced so far."""

from typing import Any

from otel_mldebug.instrument.training.passes import Passes


class Fetch:
    """One batch that was fetched and may yet turn out to be for training."""

    __slots__ = ("batch", "epoch", "number", "passes", "place", "samples", "seconds")

    def __init__(self, seconds: float, samples: int | None, passes: Passes | None, batch: Any) -> None:
        self.seconds = seconds
        self.samples = samples
        self.passes = passes
        self.epoch = passes.done if passes is not None else 0
        self.number = passes.number if passes is not None else 0
        self.place = passes.batches if passes is not None else 0
        self.batch = batch

    def trained(self) -> None:
        """Note that it was for training."""
        if self.passes is not None:
            self.passes.trained = True


class Track:
    """Plain slots, because every training step goes through here several times.

    A fetched batch counts for the step only once backward runs: batches of an evaluation pass are fetched from the
    same loader, one after the other, with no backward in between, and are dropped again. Times are seconds of one
    monotonic clock.

    Attributes:
        begun: End of the previous step, or the first sign of life before the first one; 0.0 before that.
        mark: Where the forward pass may have begun: the latest end of a fetch, a backward call or a step.
        passing: The evaluation pass that is going on, or None.
        passed: Those that have ended since the latest record.
        pending: Fetches without a backward yet, by identity of the iterator.
        held: Batches that the latest backward call was fed with, for whoever looks for bad input; let go at the end of
            the step.
        loss: Sum of the objectives so far; None as long as there is none that can be read.
        light: This step gets no record unless something is wrong with it: its phases need not be measured.
        late: Objectives that live on a device and are not read yet.
        late_norms: Parameters, and norms of their gradients and of themselves that are on a device.
        evaluated: Whether a closure has been evaluated: what the optimizer evaluates after that is its own search.
        inside: Seconds of forward and backward that ran inside the optimizer (closures).
        depth: Optimizer steps that are open: more than one where optimizers wrap each other.
        optimizers: Identities of the optimizers that have stepped since the last backward.
        span: The step's span, once something called for one.
        scaled: What a gradient scaler was given since the latest backward.
        scale: Factor of the gradient scaler that steps the optimizer, if it can be read at once.
        cpu: CPU time of the thread at the latest record, seconds, and the steps before it.
        norm: Gradient norm of the optimizer step that is going on.
        busy: Whether a backward call is going on.
        closed: Number of steps that have ended in this thread.
        explicit: The step that the program itself has begun, if it has: what optimizers do meanwhile is part of it.
    """

    __slots__ = (
        "backward",
        "backward_calls",
        "begun",
        "busy",
        "closed",
        "cpu",
        "data",
        "depth",
        "epoch",
        "evaluated",
        "explicit",
        "forward",
        "held",
        "inside",
        "late",
        "late_norms",
        "light",
        "loss",
        "mark",
        "norm",
        "optimizer",
        "optimizer_begun",
        "optimizers",
        "passed",
        "passing",
        "pending",
        "previous_loss",
        "samples",
        "scale",
        "scaled",
        "span",
    )

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget everything: nothing has happened yet."""
        self.begun = 0.0
        self.mark = 0.0
        self.pending: dict[int, Fetch] = {}
        self.passing: Any = None
        self.passed: list[Any] = []
        self.epoch: int | None = None
        self.depth = 0
        self.busy = False
        self.optimizer_begun = 0.0
        self.optimizers: list[int] = []
        self.previous_loss: float | None = None
        self.scaled: Any = None
        self.norm: float | None = None
        self.closed = 0
        self.scale: float | None = None
        self.cpu: tuple[float, int] | None = None
        self.explicit: Any = None
        self.light = False
        self.begin(0.0)

    def begin(self, now: float) -> None:
        """Forget the step that has just ended; the next one starts `now`."""
        self.begun = self.mark = now
        self.data: float | None = None
        self.forward: float | None = None
        self.backward: float | None = None
        self.optimizer: float | None = None
        self.inside = 0.0
        self.evaluated = False
        self.loss: float | None = None
        self.late: list[Any] = []
        self.late_norms: tuple[list[Any], list[Any]] | None = None
        self.backward_calls = 0
        self.samples: int | None = None
        self.held: list[Any] = []
        self.span: Any = None

    def fetched(self, source: int, started: float, ended: float, fetch: Fetch) -> None:
        """Note that the iterator `source` has handed out a batch."""
        if source in self.pending:
            self.pending.clear()
        self.pending[source] = fetch
        if not self.begun:
            self.begun = started
        self.mark = ended

    def exhausted(self, source: int, now: float) -> None:
        """Note that `source` has ended: a batch of it that is still pending was not for training."""
        self.pending.pop(source, None)
        self.mark = now

    def let_go(self) -> None:
        """Count the pending batches in a step whose phases are not measured."""
        for fetch in self.pending.values():
            if fetch.samples is not None:
                self.samples = (self.samples or 0) + fetch.samples
            self.epoch = fetch.epoch
            fetch.trained()
        self.pending.clear()

    def backward_begins(self, now: float, loss: float | None) -> None:
        """Take over the pending batches; the time since the latest mark was forward."""
        if self.passing is not None:
            self.passing.backward(self)
        if self.pending:
            self.held = []
            for fetch in self.pending.values():
                self.data = (self.data or 0.0) + fetch.seconds
                if fetch.samples is not None:
                    self.samples = (self.samples or 0) + fetch.samples
                self.epoch = fetch.epoch
                self.held.append(fetch.batch)
                fetch.trained()
            self.pending.clear()
        if self.mark:
            self.forward = (self.forward or 0.0) + now - self.mark
            if self.depth:
                self.inside += now - self.mark
        if not self.begun:
            self.begun = now
        self.backward_calls += 1
        if loss is not None and not self.evaluated:
            self.loss = loss if self.loss is None else self.loss + loss
            self.evaluated = self.depth > 0

    def backward_ends(self, started: float, now: float) -> None:
        """Add the time of one backward call."""
        self.backward = (self.backward or 0.0) + now - started
        if self.depth:
            self.inside += now - started
        self.mark = now
        if self.optimizers:
            self.optimizers.clear()

    def optimizer_begins(self, now: float) -> None:
        """Enter the outermost optimizer step."""
        self.depth = 1
        self.optimizer_begun = self.mark = now
        if not self.begun:
            self.begun = now

    def optimizer_ends(self, now: float) -> None:
        """Leave it."""
        self.depth = 0
        self.optimizer = now - self.optimizer_begun - self.inside
