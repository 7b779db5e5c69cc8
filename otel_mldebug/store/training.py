"""What the steps of a run come to: phases, ranks, curves, the first bad step."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from otel_mldebug.semconv.names import Phase
from otel_mldebug.store.curve import Curve
from otel_mldebug.store.lines import Columns
from otel_mldebug.store.looks import Taken, taken
from otel_mldebug.store.otlp_values import number
from otel_mldebug.store.runs import Process, Run
from otel_mldebug.store.steps import Steps

_MEASURED = (
    (Phase.DATA, "data_s"),
    (Phase.FORWARD, "forward_s"),
    (Phase.BACKWARD, "backward_s"),
    (Phase.OPTIMIZER, "optimizer_s"),
)
_PARTS = (
    (Phase.DATA, "prepare_s", "forward_s"),
    (Phase.COPY, "copy_s", "forward_s"),
    (Phase.LOSS, "loss_s", "forward_s"),
    (Phase.SYNC, "sync_s", "backward_s"),
)
"""What is measured now and then, and what it is a part of."""
_RATES = ("samples", "tokens")
_CURVES = (
    "loss",
    "evaluation_loss",
    "gradient_norm",
    "learning_rate",
    "scale",
    "duration_s",
    "samples_per_s",
    "tokens_per_s",
    "memory_bytes",
    "device_bytes",
)
_MOST_OPTIMIZERS = 8
"""Optimizers whose curves are kept apart; programs that make one for each task make thousands."""
_BAD = ("loss", "gradient_norm")


@dataclass(slots=True)
class Lane:
    """The steps of one process.

    Attributes:
        process: Whose steps they are.
        steps: How many it has made, those whose records are gone or were not asked for included.
        recorded: How many of them have a record in the store.
        counted: How many of those were asked for; all that follows is about these.
        seconds: Wall time of those.
        measured: Seconds by phase, parts of a phase within it.
        parts: Seconds of each part of a phase, and of that phase in the same steps.
        samples: Samples in them; 0 when unknown.
        most_samples: The most samples in one step; 0 when unknown.
        loss: Of its last step that had one.
        first_bad: Its first step with a non-finite loss or gradient norm.
        damaged: Lines that could not be read.
        looks: The looks that were taken into its layers.
    """

    process: Process
    steps: int = 0
    recorded: int = 0
    counted: int = 0
    seconds: float = 0.0
    measured: dict[str, float] = field(default_factory=dict)
    parts: dict[str, tuple[float, float]] = field(default_factory=dict)
    samples: int = 0
    most_samples: int = 0
    loss: float | None = None
    first_bad: int | None = None
    damaged: int = 0
    looks: Taken = field(default_factory=Taken)
    _numbers: dict[str, tuple[float, float]] = field(default_factory=dict)
    _latest: int = -1

    def add(self, columns: Columns) -> None:
        """Add a batch of steps."""
        index, durations = columns["index"], columns["duration_s"]
        nothing = [None] * len(index)
        self.counted += len(set(index)) - (index[0] == self._latest)  # optimizers may share a step
        self._latest = index[-1]
        self.seconds += sum(filter(isfinite, durations))
        samples: Sequence[int | None] = columns.get("samples", ())
        self.samples += sum(filter(None, samples))
        self.most_samples = max(self.most_samples, *filter(None, samples), 0)
        measured = [columns.get(name, nothing) for _, name in _MEASURED]
        for (phase, _), column in zip(_MEASURED, measured, strict=True):
            self._spend(phase, [value for value in column if value is not None and isfinite(value)])
        # Where the parts of a step were not measured, nothing is known of the rest either.
        calls = columns.get("backward_calls", [1] * len(index))
        rows = zip(columns.get("backward_s", nothing), calls, durations, *measured, strict=True)
        told = ((whole, parts) for known, num, whole, *parts in rows if known is not None or num == 0)
        rest = [max(0.0, whole - sum(filter(None, parts))) for whole, parts in told]
        self._spend(Phase.OTHER, [*filter(isfinite, rest)])
        self._split(columns, nothing)
        losses: Sequence[float | None] = columns.get("loss", ())
        self.loss = next((loss for loss in reversed(losses) if loss is not None), self.loss)
        for name in _BAD:
            self._look_for_bad(index, columns.get(name, ()))
        for name in _RATES:
            pairs = zip(columns.get(name, ()), durations, strict=False)
            known = [pair for pair in pairs if pair[0] and isfinite(pair[1])]
            number, spent = self._numbers.get(name, (0.0, 0.0))
            self._numbers[name] = number + sum(one for one, _ in known), spent + sum(one for _, one in known)

    @property
    def rates(self) -> dict[str, float]:
        """Return samples and tokens a second, in those steps whose number of them is known."""
        return {name: number / spent for name, (number, spent) in self._numbers.items() if number > 0 and spent > 0}

    def _spend(self, phase: Phase, seconds: Sequence[float]) -> None:
        if seconds:
            self.measured[phase.value] = self.measured.get(phase.value, 0.0) + sum(seconds)

    def _split(self, columns: Columns, nothing: Sequence[None]) -> None:
        """Note parts of phases in the steps in which they were measured."""
        for whole in ("forward_s", "backward_s"):
            mine = [(phase, columns.get(name, nothing)) for phase, name, of in _PARTS if of == whole]
            rows = [*zip(columns.get(whole, nothing), *(column for _, column in mine), strict=True)]
            rows = [row for row in rows if row[0] is not None and any(part is not None for part in row[1:])]
            for place, (phase, _) in enumerate(mine, 1):
                part_s, whole_s = self.parts.get(phase.value, (0.0, 0.0))
                self.parts[phase.value] = (
                    part_s + sum(row[place] or 0.0 for row in rows),
                    whole_s + sum(row[0] for row in rows),
                )

    @property
    def phases(self) -> dict[str, float]:
        """Seconds by phase. What was measured in some steps only is taken to be alike in all."""
        found = dict(self.measured)
        for phase, _, of in _PARTS:
            part_s, whole_s = self.parts.get(phase.value, (0.0, 0.0))
            whole = of.removesuffix("_s")
            if part_s > 0.0 and whole in self.measured:
                part_s *= self.measured[whole] / whole_s
                found[phase.value] = found.get(phase.value, 0.0) + part_s
                found[whole] = max(0.0, found[whole] - part_s)
        return {phase.value: found[phase.value] for phase in Phase if phase.value in found}

    def _look_for_bad(self, index: Sequence[int], values: Sequence[float | None]) -> None:
        bad = (step for step, value in zip(index, values, strict=False) if value is not None and not isfinite(value))
        if (step := next(bad, None)) is not None:
            self.first_bad = step if self.first_bad is None else min(step, self.first_bad)

    def to_json(self) -> dict[str, Any]:
        """Return the lane as the command line prints it."""
        out = {
            "rank": self.process.rank,
            "process": self.process.name,
            "steps_seen": self.steps,
            "duration_s": _exact(self.seconds),
            "phases": {phase: _exact(seconds) for phase, seconds in self.phases.items()},
            "samples": self.samples or None,
            **{f"{name}_per_s": round(rate, 3) for name, rate in self.rates.items()},
            "loss": None if self.loss is None else number(self.loss),
            "first_bad_step": self.first_bad,
            "looks": self.looks.to_json(),
        }
        return {key: value for key, value in out.items() if value not in (None, {})}


@dataclass(slots=True, kw_only=True)
class Training:
    """What the steps of a run come to.

    Attributes:
        run: The run.
        findings: Its findings, grouped.
        lanes: Its processes that made steps, by rank.
        by_optimizer: Curves of `loss` and `gradient_norm` of each optimizer, where there are several.
        curves: Fields of step records (`_CURVES`) by step, the mean over processes; samples and tokens a second.
    """

    run: Run
    findings: Sequence[dict[str, Any]] = ()
    lanes: list[Lane] = field(default_factory=list)
    curves: dict[str, Curve] = field(default_factory=dict)
    by_optimizer: dict[str, dict[str, Curve]] = field(default_factory=dict)

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
        return {key: _exact(sum(phases.get(key, 0.0) for phases in lanes)) for key in keys}

    @property
    def looks(self) -> Taken:
        """The looks of the process that has taken most: ranks look at the same steps."""
        return max((lane.looks for lane in self.lanes), key=lambda looks: looks.num, default=Taken())

    @property
    def first_bad(self) -> Lane | None:
        """The process that first had a step with a non-finite loss or gradient norm."""
        bad = [lane for lane in self.lanes if lane.first_bad is not None]
        return min(bad, key=lambda lane: lane.first_bad or 0, default=None)

    @property
    def watched(self) -> dict[str, Any]:
        """What was watched, over all processes; of different values the one of the lowest rank."""
        out: dict[str, Any] = {}
        for process in sorted(self.run.processes, key=Process.by_rank):
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
            "duration_s": _exact(sum(lane.seconds for lane in self.lanes)) if self.lanes else None,
            "first_bad_step": None if bad is None else bad.first_bad,
            "looks": self.looks.to_json() or None,
            "watched": self.watched or None,
            "by_process": [lane.to_json() for lane in self.lanes],
            "steps": [],
            "findings": list(self.findings),
        }
        return {key: value for key, value in out.items() if value is not None}


def summarise(run: Run, findings: Sequence[dict[str, Any]] = (), first: int = 0, last: int | None = None) -> Training:
    """Read the steps of a run once and return what they come to."""
    out = Training(run=run, findings=findings, curves={name: Curve(start=first) for name in _CURVES})
    for process in sorted(run.processes, key=Process.by_rank):
        lane, steps = Lane(process), Steps(run.path / process.name, first, last)
        for columns in steps:
            lane.add(columns)
            for name, curve in out.curves.items():
                curve.add(*_series(name, columns))
            _tell_apart(out.by_optimizer, columns, first)
        lane.steps, lane.recorded, lane.damaged = steps.seen, steps.recorded, steps.damaged
        lane.looks = taken(run, process, first, last)
        if lane.steps or lane.damaged:
            out.lanes.append(lane)
    return out


def _series(name: str, columns: Columns) -> tuple[Sequence[int], Sequence[float | None]]:
    """Return the steps of a batch and what is drawn of each."""
    index, durations = columns["index"], columns["duration_s"]
    if name == "duration_s" and len(set(index)) < len(index):  # optimizers that share a step: its time is their sum
        whole = dict.fromkeys(index, 0.0)
        for step, duration in zip(index, durations, strict=True):
            whole[step] += duration
        return [*whole], [*whole.values()]
    counted = name.removesuffix("_per_s")
    values = columns.get(counted, [None] * len(index))
    if counted != name:
        pairs = zip(values, durations, strict=True)
        values = [number / spent if number and spent > 0 else None for number, spent in pairs]
    return index, values


def _tell_apart(curves: dict[str, dict[str, Curve]], columns: Columns, first: int) -> None:
    """Add a batch of steps to the curves of their optimizers."""
    index = columns["index"]
    owners = columns.get("optimizer", [""] * len(index))
    for owner in dict.fromkeys(owners):
        if owner not in curves and len(curves) >= _MOST_OPTIMIZERS:
            continue
        rows = [row for row, name in enumerate(owners) if name == owner]
        mine = curves.setdefault(owner, {name: Curve(start=first) for name in _BAD})
        for name, curve in mine.items():
            if (column := columns.get(name)) is not None:
                curve.add([index[row] for row in rows], [column[row] for row in rows])


def _exact(seconds: float) -> float:
    """Round away what a sum of doubles adds below a nanosecond."""
    return round(seconds, 9)
