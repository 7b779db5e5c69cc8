"""What is counted and kept for each optimizer, cheap enough for every step; metrics are read from here."""

import math
from collections import deque

from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Phase

WINDOW_STEPS = 256
"""Steps that detectors look back on."""
_ALARM = 3.0
"""A loss or norm this many times the largest of the window has the detectors look at once."""


class Cell:
    """One optimizer's counts, latest finite values and window of steps.

    Attributes:
        name: The optimizer's name; empty where a program has none.
        steps: Optimizer steps, every one counted.
        window: The latest steps, oldest first.
        loss_alarm: A loss that is not below has the detectors look at once; so has NaN.
        norm_alarm: The same for gradient norms.
    """

    __slots__ = (
        "gradient_norm",
        "learning_rate",
        "loss",
        "loss_alarm",
        "name",
        "next_check",
        "next_check_ns",
        "norm_alarm",
        "steps",
        "window",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.steps = 0
        self.loss: float | None = None
        self.gradient_norm: float | None = None
        self.learning_rate: float | None = None
        self.window: deque[StepRecord] = deque(maxlen=WINDOW_STEPS)
        self.loss_alarm = self.norm_alarm = math.inf
        self.next_check = 0
        self.next_check_ns = 0

    def forget(self) -> None:
        """Start a new window: the cell now stands for another optimizer."""
        self.window.clear()
        self.loss_alarm = self.norm_alarm = math.inf

    def keep(self, record: StepRecord) -> bool:
        """Count `record`; return whether it looks bad enough for the detectors to look at once."""
        self.steps += 1
        self.window.append(record)
        alarmed = False
        if (loss := record.loss) is not None:
            alarmed = not loss < self.loss_alarm
            if loss - loss == 0.0:  # finite
                self.loss = loss
        if (norm := record.gradient_norm) is not None:
            alarmed = alarmed or not norm < self.norm_alarm
            if norm - norm == 0.0:
                self.gradient_norm = norm
        if (rate := record.learning_rate) is not None:
            self.learning_rate = rate
        return alarmed

    def rearm(self) -> None:
        """Set the alarms from the window."""
        losses = [r.loss for r in self.window if r.loss is not None and math.isfinite(r.loss)]
        norms = [r.gradient_norm for r in self.window if r.gradient_norm is not None and math.isfinite(r.gradient_norm)]
        self.loss_alarm = _ALARM * max(map(abs, losses)) if losses else math.inf
        self.norm_alarm = _ALARM * max(norms) if norms else math.inf


class Totals:
    """What is summed over all optimizers of the process."""

    __slots__ = ("nonfinite", "phases", "samples")

    def __init__(self) -> None:
        self.phases: dict[Phase, float] = dict.fromkeys(Phase, 0.0)
        self.samples = 0
        self.nonfinite = 0

    def add(self, record: StepRecord) -> None:
        """Add one step; what no phase accounts for is `other`."""
        phases = self.phases
        rest = record.duration_s
        if (seconds := record.data_s) is not None:
            phases[Phase.DATA] += seconds
            rest -= seconds
        if (seconds := record.forward_s) is not None:
            phases[Phase.FORWARD] += seconds
            rest -= seconds
        if (seconds := record.backward_s) is not None:
            phases[Phase.BACKWARD] += seconds
            rest -= seconds
        if (seconds := record.optimizer_s) is not None:
            phases[Phase.OPTIMIZER] += seconds
            rest -= seconds
        if rest > 0:
            phases[Phase.OTHER] += rest
        if record.samples is not None:
            self.samples += record.samples
