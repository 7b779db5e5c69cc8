"""The course of one optimizer's training: its latest steps, its first ones, and a thinned history of all between."""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from otel_mldebug.rules.steps import StepRecord

LATEST = 256
"""Records that are kept as they were."""
EARLY = 32
"""Records of the beginning that are kept as they were."""
MOST_STRETCHES = 64
"""Stretches, at most: when there are more, each two neighbours become one."""
MOST_EVALUATIONS = 128
"""Evaluation passes that are kept: the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One pass over data that is not trained on.

    Attributes:
        step: Training steps before it.
        stream: Which evaluation of the program: the same for each pass over one loader, or from one place in the code.
        place: Where the program evaluates, `evaluate (train.py:31)`; empty when unknown.
        loss: Mean over its samples; None when no loss was seen.
        batches: Batches of a loader, or losses that were computed.
        samples: Samples in them; None when unknown.
        duration_s: From its first sign to its last, seconds.
        trained_on: Whether its data is also trained on.
        training_mode: Whether the models that are trained were in training mode all through; None when unknown.
        active: Layers that behave otherwise in training and were in training mode: `Dropout`, `BatchNorm2d`.
        loader: Whether it went over a loader.
        forced: What a function did as in training although the model was in evaluation mode: `dropout`, `batch_norm`;
            empty for nothing.
        tracked: What held a graph although nothing was trained on: `logits`, `the loss`; empty for nothing.
        apart: Attribute, `members`, of a model in evaluation mode, which keeps layers that are in training mode in a
            plain list or dict, where its `eval()` does not reach them. `active` are those. Empty for none.
    """

    step: int
    stream: str = ""
    place: str = ""
    loss: float | None = None
    batches: int = 1
    samples: int | None = None
    duration_s: float = 0.0
    trained_on: bool = False
    training_mode: bool | None = None
    active: tuple[str, ...] = ()
    loader: bool = False
    tracked: str = ""
    forced: str = ""
    apart: str = ""


class Stretch:
    """Neighbouring records taken together.

    Attributes:
        first: Step of the first of them.
        last: Step of the last of them.
        count: How many.
        losses: How many have a finite loss; `loss_sum` is the sum of those.
        norms: The same for gradient norms, with `norm_sum`.
        rate: Latest learning rate.
        top_rate: Highest learning rate.
        memory_bytes: Latest memory in use.
    """

    __slots__ = (
        "count",
        "first",
        "last",
        "loss_sum",
        "losses",
        "memory_bytes",
        "norm_sum",
        "norms",
        "rate",
        "top_rate",
    )

    def __init__(self, first: int) -> None:
        self.first = self.last = first
        self.count = self.losses = self.norms = 0
        self.loss_sum = self.norm_sum = 0.0
        self.rate: float | None = None
        self.top_rate: float | None = None
        self.memory_bytes: int | None = None

    def add(self, record: StepRecord) -> None:
        """Take in one more record."""
        self.last = record.index
        self.count += 1
        loss, norm, rate = record.loss, record.gradient_norm, record.learning_rate
        if loss is not None and loss - loss == 0.0:
            self.losses += 1
            self.loss_sum += loss
        if norm is not None and norm - norm == 0.0:
            self.norms += 1
            self.norm_sum += norm
        if rate is not None and rate - rate == 0.0:
            self.rate = rate
            if self.top_rate is None or rate > self.top_rate:
                self.top_rate = rate
        if record.memory_bytes is not None:
            self.memory_bytes = record.memory_bytes

    def join(self, later: "Stretch") -> "Stretch":
        """Take in the stretch that comes after this one; return this one."""
        self.last = later.last
        self.count += later.count
        self.losses += later.losses
        self.loss_sum += later.loss_sum
        self.norms += later.norms
        self.norm_sum += later.norm_sum
        self.rate = self.rate if later.rate is None else later.rate
        tops = [rate for rate in (self.top_rate, later.top_rate) if rate is not None]
        self.top_rate = max(tops, default=None)
        self.memory_bytes = self.memory_bytes if later.memory_bytes is None else later.memory_bytes
        return self

    @property
    def loss(self) -> float | None:
        """Mean of the finite losses; None when there are none, or their sum is too large for a number."""
        mean = self.loss_sum / self.losses if self.losses else math.nan
        return mean if math.isfinite(mean) else None


class Course(deque[StepRecord]):
    """The latest records of one optimizer, oldest first, with what is left of all before them.

    Detectors that need no more than the latest records take it as a sequence of those.

    Args:
        records: To begin with.
        maxlen: Records that are kept as they were.

    Attributes:
        early: The first records, as they were.
        stretches: All records so far in stretches of equal length (the last one is being filled), oldest first.
        evaluations: Evaluation passes of the program, oldest first.
        growing: What there is more and more of, in words, where that was looked for; empty when unknown.
        graphs: Whether graphs of past steps are among it.
        shared: Other optimizers have stepped, too: of what they do, the loss of this one can say nothing by itself.
        aim: Learning rate that a schedule starts out from or rises to, as it has noted it with the optimizer; None
            where there is no schedule.
        machine: Share of a processor that is left for each process that wants one, 0 to 1, as its load tells.
    """

    def __init__(self, records: Iterable[StepRecord] = (), maxlen: int = LATEST) -> None:
        super().__init__(maxlen=maxlen)
        self._forget()
        for record in records:
            self.append(record)

    @classmethod
    def of(cls, window: Sequence[StepRecord]) -> "Course":
        """Return `window` itself if it is a course, else one that has seen just these records."""
        return window if isinstance(window, Course) else cls(window)

    def _forget(self) -> None:
        self.early: list[StepRecord] = []
        self.stretches: list[Stretch] = []
        self.evaluations: deque[Evaluation] = deque(maxlen=MOST_EVALUATIONS)
        self.shared = False
        self.machine = 1.0
        self.aim: float | None = None
        self.growing = ""
        self.graphs = False
        self._span = 1
        self._known: list[tuple[int, float]] | None = None

    def append(self, record: StepRecord) -> None:
        """Take in the next record."""
        super().append(record)
        self._known = None
        if len(self.early) < EARLY:
            self.early.append(record)
        stretches = self.stretches
        if not stretches or stretches[-1].count >= self._span:
            if len(stretches) >= MOST_STRETCHES:
                stretches[:] = [a.join(b) for a, b in zip(stretches[::2], stretches[1::2], strict=True)]
                self._span *= 2
            stretches.append(Stretch(record.index))
        stretches[-1].add(record)

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self._forget()

    @property
    def losses(self) -> list[tuple[int, float]]:
        """Steps and losses of the latest records, where finite, oldest first. Do not change it."""
        if self._known is None:
            self._known = [(r.index, r.loss) for r in self if r.loss is not None and r.loss - r.loss == 0.0]
        return self._known

    @property
    def first_loss(self) -> float | None:
        """The first finite loss of the run."""
        return next((r.loss for r in self.early if r.loss is not None and math.isfinite(r.loss)), None)

    @property
    def steps(self) -> int:
        """Steps from the first record to the latest, both included."""
        return self[-1].index - self.early[0].index + 1 if self else 0
