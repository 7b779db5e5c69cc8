"""What the steps of a run come to: phases, ranks, curves, the first bad step."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Phase
from otel_mldebug.store.curve import Curve
from otel_mldebug.store.otlp_values import number
from otel_mldebug.store.runs import Process, Run
from otel_mldebug.store.steps import Steps

_MEASURED = (
    (Phase.DATA, "data_s"),
    (Phase.FORWARD, "forward_s"),
    (Phase.BACKWARD, "backward_s"),
    (Phase.OPTIMIZER, "optimizer_s"),
)
_CURVES = ("loss", "gradient_norm", "learning_rate", "duration_s")
_BAD = ("loss", "gradient_norm")


@dataclass(slots=True)
class Lane:
    """The steps of one process.

    Attributes:
        process: Whose steps they are.
        steps: How many it has made, those whose records are gone included.
        recorded: Steps whose records were read.
        seconds: Wall time of those.
        phases: Seconds by phase.
        samples: Samples in them; 0 when unknown.
        loss: Of its last step that had one.
        first_bad: Its first step with a non-finite loss or gradient norm.
        damaged: Lines that could not be read.
    """

    process: Process
    steps: int = 0
    recorded: int = 0
    seconds: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)
    samples: int = 0
    loss: float | None = None
    first_bad: int | None = None
    damaged: int = 0

    def add(self, record: StepRecord) -> None:
        """Add one step."""
        self.recorded += 1
        self.steps = max(self.steps, self.recorded, record.index + 1)
        self.seconds += record.duration_s
        self.samples += record.samples or 0
        measured = 0.0
        for phase, name in _MEASURED:
            seconds = getattr(record, name)
            if seconds is not None:
                self._spend(phase, seconds)
                measured += seconds
        if record.backward_s is not None:  # where nothing was measured, nothing is known of the rest either
            self._spend(Phase.OTHER, max(0.0, record.duration_s - measured))
        if record.loss is not None:
            self.loss = record.loss
        if self.first_bad is None and any(_bad(getattr(record, name)) for name in _BAD):
            self.first_bad = record.index

    def _spend(self, phase: Phase, seconds: float) -> None:
        self.phases[phase.value] = self.phases.get(phase.value, 0.0) + seconds

    def to_json(self) -> dict[str, Any]:
        """Return the lane as the command line prints it."""
        out = {
            "rank": self.process.rank,
            "process": self.process.name,
            "steps_seen": self.steps,
            "duration_s": self.seconds,
            "phases": dict(self.phases),
            "samples": self.samples or None,
            "loss": None if self.loss is None else number(self.loss),
            "first_bad_step": self.first_bad,
        }
        return {key: value for key, value in out.items() if value not in (None, {})}


@dataclass(slots=True, kw_only=True)
class Training:
    """What the steps of a run come to.

    Attributes:
        run: The run.
        findings: Its findings, grouped.
        lanes: Its processes that made steps, by rank.
        curves: `loss`, `gradient_norm`, `learning_rate` and `duration_s` by step, the mean over processes.
    """

    run: Run
    findings: Sequence[dict[str, Any]] = ()
    lanes: list[Lane] = field(default_factory=list)
    curves: dict[str, Curve] = field(default_factory=dict)

    @property
    def steps_seen(self) -> int:
        """Steps of the training: ranks make theirs together, processes without a rank one after the other."""
        ranked = max((lane.steps for lane in self.lanes if lane.process.rank is not None), default=0)
        return ranked + sum(lane.steps for lane in self.lanes if lane.process.rank is None)

    @property
    def phases(self) -> dict[str, float]:
        """Seconds by phase, summed over processes, in the order of a step."""
        lanes = [lane.phases for lane in self.lanes]
        keys = [phase.value for phase in Phase if any(phase.value in phases for phases in lanes)]
        return {key: sum(phases.get(key, 0.0) for phases in lanes) for key in keys}

    @property
    def first_bad(self) -> Lane | None:
        """The process that first had a step with a non-finite loss or gradient norm."""
        bad = [lane for lane in self.lanes if lane.first_bad is not None]
        return min(bad, key=lambda lane: lane.first_bad or 0, default=None)

    @property
    def watched(self) -> dict[str, Any]:
        """What was watched, over all processes; of different values the one of the lowest rank."""
        out: dict[str, Any] = {}
        for process in sorted(self.run.processes, key=_by_rank):
            for key, value in process.watched.items():
                out.setdefault(key, value)
        return out

    def to_json(self) -> dict[str, Any]:
        """Return it as `otel-mldebug training --json` prints it, but for the steps."""
        bad = self.first_bad
        out = {
            "run_id": self.run.run_id,
            "status": self.run.status,
            "steps_seen": self.steps_seen,
            "ranks": sorted({lane.process.rank for lane in self.lanes if lane.process.rank is not None}),
            "phases": self.phases,
            "duration_s": sum(lane.seconds for lane in self.lanes) if self.lanes else None,
            "first_bad_step": None if bad is None else bad.first_bad,
            "watched": self.watched or None,
            "by_process": [lane.to_json() for lane in self.lanes],
            "steps": [],
            "findings": list(self.findings),
        }
        return {key: value for key, value in out.items() if value is not None}


def summarise(run: Run, findings: Sequence[dict[str, Any]] = (), first: int = 0, last: int | None = None) -> Training:
    """Read the steps of a run once and return what they come to."""
    out = Training(run=run, findings=findings, curves={name: Curve(start=first) for name in _CURVES})
    for process in sorted(run.processes, key=_by_rank):
        lane, steps = Lane(process), Steps(run.path / process.name, first, last)
        for record in steps:
            lane.add(record)
            for name, curve in out.curves.items():
                curve.add(record.index, getattr(record, name))
        lane.damaged = steps.damaged
        if lane.steps or lane.damaged:
            out.lanes.append(lane)
    return out


def _by_rank(process: Process) -> tuple[bool, int, str]:
    return process.rank is None, process.rank or 0, process.name


def _bad(value: float | None) -> bool:
    return value is not None and not math.isfinite(value)
