"""What is counted and kept for each optimizer, cheap enough for every step; metrics are read from here."""

import math
from typing import Any

from otel_mldebug.instrument.training.steps.needs import Needs
from otel_mldebug.instrument.training.steps.parts import Part
from otel_mldebug.instrument.training.steps.track import Track
from otel_mldebug.rules.course import LATEST, Course
from otel_mldebug.rules.peaks import peak, utilisation
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Phase

WINDOW_STEPS = LATEST
"""Steps that detectors look back on."""
_ALARM = 3.0
"""A loss or norm this many times the largest of the window has the detectors look at once."""
_OUTLYING, _MOST_OUTLYING, _MOST_LOWER = 30.0, 24, 0.9
"""A loss this many times what so large a share of the window is below gets a record, though there were larger ones; and
how often at most, a tenth of a window: samples that are wrong come again in each pass over the data."""
SETTLE_STEPS, SETTLED_STEPS = 12, 60
"""Steps after an alarm that get a record each, and after which the detectors look once more. Source: `curves.spikes`
needs to see `WIDTH + AFTER` behind a spike, or `WIDTH + LONGEST_AFTER` where less is known of it."""
_LEAST_BUSY, _BUSY_WEIGHT = 0.25, 0.1
"""A program that mostly waits, for data or for a device, is watched as closely as one that waits three quarters of the
time; weight of the latest record in the average."""


class Cell:
    """One optimizer's counts, latest finite values and window of steps.

    Attributes:
        name: The optimizer's name; empty where a program has none.
        steps: Optimizer steps, every one counted.
        measured: Value of `steps` at the latest one whose phases were measured; that one stands for those before it.
        duration_s: Their time; `data_s`, `forward_s`, `backward_s` and `optimizer_s` are its known parts.
        copied: How much of `forward_s` was copying batches; `scored`: the loss; `prepared`: making them.
        synced: How much of `backward_s` was gradient synchronisation.
        busy: Share of that time in which their thread computed, about: what watching may cost is a share of that.
        samples: Samples that went through them.
        tokens: Tokens that went through them.
        needs: What its model needs of which GPU; None when that is not known.
        stood_for: Steps that the latest one whose phases were measured stood for.
        nonfinite: Steps whose loss or gradient norm was NaN or infinite.
        window: The latest records, oldest first, and what is left of those before.
        next_record: Value of `steps` at which the next record is made.
        full_until: Value of `steps` up to which every step gets a record.
        loss_alarm: A loss that is not below gets a record; so does NaN.
        loss_shock: One that is not below has the detectors look.
        outlying: Losses that got a record because of `loss_alarm` alone.
        norm_alarm: The same for gradient norms.
        settles_at: Value of `steps` at which the detectors look again after an alarm, at what has become of it.
        trouble: Steps, about, that got a record because something was wrong.
        told: Families of rules that fired when its optimizer went away: of it, they have been told.
    """

    __slots__ = (
        "backward_s",
        "busy",
        "copied",
        "data_s",
        "duration_s",
        "forward_s",
        "full_until",
        "gradient_norm",
        "learning_rate",
        "loss",
        "loss_alarm",
        "loss_shock",
        "measured",
        "name",
        "needs",
        "next_check_ns",
        "next_record",
        "nonfinite",
        "norm_alarm",
        "optimizer_s",
        "outlying",
        "prepared",
        "samples",
        "scale",
        "scored",
        "settled_at",
        "settles_at",
        "steps",
        "stood_for",
        "synced",
        "tokens",
        "told",
        "trouble",
        "window",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.window = Course()
        self.told: set[str] = set()
        self.restart()

    def restart(self) -> None:
        """Count from 0."""
        self.steps = self.samples = self.tokens = self.nonfinite = self.measured = 0
        self.stood_for = 1
        self.busy = 1.0
        self.duration_s = self.data_s = self.forward_s = self.backward_s = self.optimizer_s = 0.0
        self.copied, self.scored, self.prepared, self.synced = Part(), Part(), Part(), Part()
        self.loss: float | None = None
        self.gradient_norm: float | None = None
        self.learning_rate: float | None = None
        self.scale: float | None = None
        self.forget()

    def forget(self) -> None:
        """Start a new window: the cell now stands for another optimizer."""
        self.window.clear()
        self.needs: Needs | None = None
        self.told.clear()
        self.loss_alarm = self.loss_shock = self.norm_alarm = math.inf
        self.outlying = 0
        self.settles_at = self.settled_at = math.inf
        self.next_check_ns = 0
        self.next_record = 0
        self.trouble = 0
        self.full_until = self.steps + WINDOW_STEPS

    def count(self, track: Track, duration_s: float) -> int:
        """Count one step and its times; return how many steps it stands for, itself included."""
        self.steps += 1
        self.stood_for = stands_for = self.unmeasured
        self.measured = self.steps
        self.duration_s += stands_for * duration_s
        if (seconds := track.data) is not None:
            self.data_s += stands_for * seconds
        if (seconds := track.forward) is not None:
            self.forward_s += stands_for * seconds
        if (seconds := track.backward) is not None:
            self.backward_s += stands_for * seconds
        if (seconds := track.optimizer) is not None:
            self.optimizer_s += stands_for * seconds
        if (samples := track.samples) is not None:
            self.samples += samples
        return stands_for

    def split(self, track: Track, parts: dict[str, float]) -> dict[str, Any]:
        """Take over what was measured inside of one step, none of it longer than what it is part of; return it."""
        forward, backward = track.forward or 0.0, track.backward or 0.0
        found = {name: min(seconds, backward if name == "sync_s" else forward) for name, seconds in parts.items()}
        if "sync_s" in found:
            self.synced.learn(self.backward_s, found["sync_s"], backward)
        if len(found) > ("sync_s" in found):
            self.prepared.learn(self.forward_s, found.get("prepare_s", 0.0), forward)
            self.copied.learn(self.forward_s, found.get("copy_s", 0.0), forward)
            self.scored.learn(self.forward_s, found.get("loss_s", 0.0), forward)
        return found

    def keep(self, record: StepRecord) -> bool:
        """Take over the values of `record`; return whether loss or gradient norm is NaN or infinite."""
        self.window.append(record)
        bad = False
        if (loss := record.loss) is not None:
            if loss - loss == 0.0:  # finite
                self.loss = loss
            else:
                bad = True
        if (norm := record.gradient_norm) is not None:
            if norm - norm == 0.0:
                self.gradient_norm = norm
            else:
                bad = True
        if (rate := record.learning_rate) is not None:
            self.learning_rate = rate
        if record.scale is not None:
            self.scale = record.scale
        if record.cpu_s is not None and record.duration_s > 0.0:
            busy = min(1.0, max(_LEAST_BUSY, record.cpu_s / record.duration_s))
            self.busy += _BUSY_WEIGHT * (busy - self.busy)
        if bad:
            self.nonfinite += 1
        return bad

    def alarmed(self) -> None:
        """Watch the next steps closely, and have the detectors look at what has become of this one."""
        self.settles_at, self.settled_at = self.steps + SETTLE_STEPS, self.steps + SETTLED_STEPS
        self.full_until = max(self.full_until, self.steps + SETTLE_STEPS)
        self.next_record = 0

    def outlies(self) -> None:
        """Note a loss that got a record because of `loss_alarm` alone."""
        self.outlying += 1
        if self.outlying >= _MOST_OUTLYING:
            self.loss_alarm = self.loss_shock

    def rearm(self) -> None:
        """Set the alarms from the window."""
        if self.steps >= self.settles_at:
            self.settles_at = self.settled_at if self.steps < self.settled_at else math.inf
        losses = sorted(abs(r.loss) for r in self.window if r.loss is not None and math.isfinite(r.loss))
        norms = [r.gradient_norm for r in self.window if r.gradient_norm is not None and math.isfinite(r.gradient_norm)]
        self.loss_alarm = self.loss_shock = (_ALARM * losses[-1] if losses else 0.0) or math.inf
        if self.outlying < _MOST_OUTLYING and losses and (usual := losses[int(_MOST_LOWER * len(losses))]) > 0:
            self.loss_alarm = min(self.loss_shock, _OUTLYING * usual)
        self.norm_alarm = _ALARM * max(norms, default=0.0) or math.inf

    @property
    def unmeasured(self) -> int:
        """Return how many steps there have been since the latest one whose phases were measured."""
        return self.steps - self.measured

    def step_s(self) -> float:
        """Return how long a step takes on average, seconds; 0 before the first."""
        return self.duration_s / max(1, self.steps - self.unmeasured)

    def utilisation(self) -> float | None:
        """Return the share of its GPU's peak that the model itself needs; None where that is not known."""
        needs = self.needs
        if needs is None or self.window.shared:
            return None
        flops = peak(needs.device, needs.dtype if self.scale is None else "float16")
        return None if flops is None else utilisation(self.window, needs.parameters, flops)

    def phases(self) -> dict[Phase, float]:
        """Return the seconds of each phase; what no phase accounts for is `other`."""
        forward_s, backward_s = self.forward_s, self.backward_s
        prepare_s = self.prepared.of(forward_s)
        copy_s, loss_s = self.copied.of(forward_s), self.scored.of(forward_s)
        sync_s = self.synced.of(backward_s)
        known = {
            Phase.DATA: self.data_s + prepare_s,
            Phase.COPY: copy_s,
            Phase.FORWARD: max(0.0, forward_s - prepare_s - copy_s - loss_s),
            Phase.LOSS: loss_s,
            Phase.BACKWARD: max(0.0, backward_s - sync_s),
            Phase.SYNC: sync_s,
            Phase.OPTIMIZER: self.optimizer_s,
        }
        return {**known, Phase.OTHER: max(0.0, self.duration_s - sum(known.values()))}
