"""What is going on in one thread between two training steps: times of its phases, and what it has produced so far."""

from collections import deque
from typing import Any

from otel_mldebug.instrument.training.devices.gpu import GpuTimer
from otel_mldebug.instrument.training.steps.ahead import Ahead, Fetch
from otel_mldebug.instrument.training.steps.batches import tokens

MOST_COMPUTED = 8
NOBODY = 0
"""No thread has this identity. Source: threading.get_ident."""


class Hot:
    """What steps that are only counted read and write of a track, side by side in memory.

    In such a step nearly everything else that is in the caches is the program's: what is far apart is fetched again.

    Attributes:
        owner: Identity of the thread; `NOBODY` once it has ended.
        light: The optimizer whose step this will be, as `Known`, if it gets no record and no look unless something is
            wrong with it: its phases need not be measured. None otherwise. It is set by `count_only`.
        depth: Optimizer steps that are open: more than one where optimizers wrap each other. Of those that are only
            counted it does not tell.
        fresh: Whether none has been only counted since `light` was set.
        busy: Whether a backward call is going on.
        loss: Sum of the objectives so far; None as long as there is none that can be read.
        backward_calls: How many there were.
        pending: The next fetch of each loader that has had no backward yet, by identity of the iterator.
        samples: Samples of the batches that backward has taken; None as long as that is not known.
    """

    __slots__ = ("backward_calls", "busy", "depth", "fresh", "light", "loss", "owner", "pending", "samples")


class Track(Hot):
    """Plain slots, because every training step goes through here several times.

    A fetched batch counts for the step only once backward runs: batches of an evaluation pass are fetched from the
    same loader, one after the other, with no backward in between, and are dropped again. Some loops fetch ahead: each
    backward call takes one batch of each loader, and the others wait. Times are seconds of one monotonic clock.

    Attributes:
        begun: End of the previous step, or the first sign of life before the first one; 0.0 before that.
        mark: Where the forward pass may have begun: the latest end of a fetch, a backward call or a step.
        passing: The evaluation pass that is going on, or None.
        passed: Those that have ended since the latest record.
        ahead: Those behind it.
        gpu: Times the steps on a GPU; None until one has been used.
        held: Batches that the latest backward call was fed with, for whoever looks for bad input; let go at the end of
            the step.
        tokens: Tokens of those that earlier backward calls of the step were fed with.
        late: Objectives that live on a device and are not read yet.
        late_norms: Parameters, and norms of their gradients and of themselves that are on a device.
        evaluated: Whether a closure has been evaluated: what the optimizer evaluates after that is its own search.
        inside: Seconds of forward and backward that ran inside the optimizer (closures).
        optimizers: Identities of the optimizers that have stepped since the last backward.
        parts: What is known of the insides of forward and backward, as fields of a record; None for nothing.
        span: The step's span, once something called for one.
        computed: Latest values of loss functions with a graph, as weak references; only while a look is wanted.
        scaled: What a gradient scaler was given since the latest backward.
        scale: Factor of the gradient scaler that steps the optimizer, if it can be read at once.
        cpu: CPU time of the thread at the latest record, seconds, and the steps before it.
        norm: Gradient norm of the optimizer step that is going on.
        closed: Number of steps that have ended in this thread.
        wrapped: Whether an optimizer has stepped within the step of another one.
        explicit: The step that the program itself has begun, if it has: what optimizers do meanwhile is part of it.
    """

    __slots__ = (
        "_lit",
        "ahead",
        "backward",
        "begun",
        "closed",
        "computed",
        "cpu",
        "data",
        "epoch",
        "evaluated",
        "explicit",
        "forward",
        "gpu",
        "held",
        "inside",
        "late",
        "late_norms",
        "mark",
        "norm",
        "optimizer",
        "optimizer_begun",
        "optimizers",
        "parts",
        "passed",
        "passing",
        "previous_loss",
        "scale",
        "scaled",
        "span",
        "tokens",
        "wrapped",
    )

    def __init__(self, owner: int = NOBODY) -> None:
        self.owner = owner
        self.restart()

    def restart(self) -> None:
        """Forget everything: nothing has happened yet."""
        self.begun = 0.0
        self.mark = 0.0
        self.gpu: GpuTimer | None = None
        self.pending: dict[int, Fetch] = {}
        self.ahead = Ahead()
        self.passing: Any = None
        self.passed: list[Any] = []
        self.epoch: int | None = None
        self.depth = 0
        self.busy = False
        self.optimizer_begun = 0.0
        self.optimizers: list[int] = []
        self.previous_loss: float | None = None
        self.scaled: Any = None
        self.computed: deque[Any] = deque(maxlen=MOST_COMPUTED)
        self.norm: float | None = None
        self.closed = 0
        self.scale: float | None = None
        self.cpu: tuple[float, int] | None = None
        self.explicit: Any = None
        self.light: Any = None
        self.fresh = self.wrapped = False
        self._lit = 0
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
        self.tokens = 0
        self.parts: dict[str, float] | None = None
        self.span: Any = None

    def fetched(self, source: int, started: float, ended: float, fetch: Fetch, *, training: bool = True) -> None:
        """Note that the iterator `source` has handed out a batch; `training` if it may be for training."""
        if self.ahead:
            self.ahead.fresh(self.pending, source, fetch)
        if source not in self.pending:
            self.pending[source] = fetch
        elif training:
            self.ahead.add(self.pending, source, fetch)
        else:
            self.drop(source)
            self.pending[source] = fetch
        if not self.begun:
            self.begun = started
        self.mark = ended

    def exhausted(self, source: int, now: float, *, training: bool = True) -> None:
        """Note that `source` has ended; what is pending of it is for training only if it was fetched ahead."""
        if source in self.pending:
            self.ahead.ended(self.pending, source, training=training)
        self.mark = now

    def drop(self, source: int) -> None:
        """Forget what is pending of one loader."""
        self.ahead.drop(self.pending, source)

    def drop_all(self) -> None:
        """Forget all that is pending."""
        self.pending.clear()
        self.ahead.clear()

    def let_go(self) -> None:
        """Count the pending batches in a step whose phases are not measured."""
        if self.ahead:
            self.ahead.stale(self.pending)
        for fetch in self.pending.values():
            if fetch.samples is not None:
                self.samples = (self.samples or 0) + fetch.samples
            self.epoch = fetch.epoch
            fetch.trained()
        self.pending.clear()
        if self.ahead:
            self.ahead.refill(self.pending)

    def _take(self) -> None:
        """Count the next batch of each loader for the step."""
        if self.ahead:
            self.ahead.stale(self.pending)
        if self.held:
            self.tokens += sum(map(tokens, self.held))
            self.held = []
        for fetch in self.pending.values():
            if fetch.seconds is not None:
                self.data = (self.data or 0.0) + fetch.seconds
            if fetch.samples is not None:
                self.samples = (self.samples or 0) + fetch.samples
            self.epoch = fetch.epoch
            self.held.append(fetch.batch)
            fetch.trained()
        self.pending.clear()
        if self.ahead:
            self.ahead.refill(self.pending)

    def backward_begins(self, now: float, loss: float | None) -> None:
        """Take over the pending batches; the time since the latest mark was forward."""
        if self.passing is not None:
            self.passing.backward(self)
        if self.pending:
            self._take()
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

    def count_only(self, known: Any) -> None:
        """Do no more than count the next steps, which are those of one optimizer. `Tracks.lit` has to be this track."""
        self.light = known
        self.fresh = True
        self.norm = None
        self._lit = known.cell.steps

    def wake(self) -> None:
        """Have the step that is going on looked at when it ends: something has happened in it."""
        if self.light is not None:
            self.light.wake()

    def count_no_longer(self) -> None:
        """Measure steps again, from the next one on."""
        light, self.light = self.light, None
        if light is not None:
            self.closed += light.cell.steps - self._lit

    def interrupted(self, now: float) -> None:
        """Measure this step after all; of those since the latest measured one it takes an equal share of the time."""
        self.begun = now - (now - self.begun) / (1 + self.light.cell.unmeasured)
        self.count_no_longer()

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
