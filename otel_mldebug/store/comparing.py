"""Two runs side by side: what was set up differently, where their losses part, what each of them found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from math import isfinite
from typing import Any

from otel_mldebug.store.otlp_values import number, parse_number
from otel_mldebug.store.training import Training

APART = 0.01
"""Losses of one step that differ by more than this share of the larger one are different."""


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What two runs have in common, and what not. Of every pair the first value is of the first run.

    Attributes:
        one: The first run.
        other: The second one.
        settings: What was watched and is not the same, by name.
        step_s: Mean duration of a step, seconds; None without steps.
        phases: Seconds a step by phase.
        apart: The first step that both recorded whose losses differ, with both; None if none does.
        common: The last step for which both have a loss, with both; None if there is none.
        findings: Rules that only the first, only the second, and both have found.
    """

    one: Training
    other: Training
    settings: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    step_s: tuple[float | None, float | None] = (None, None)
    phases: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    apart: tuple[int, float, float] | None = None
    common: tuple[int, float, float] | None = None
    findings: tuple[list[str], list[str], list[str]] = field(default_factory=lambda: ([], [], []))

    def to_json(self) -> dict[str, Any]:
        """Return it as the command line prints it."""
        out: dict[str, Any] = {
            "runs": [self.one.run.run_id, self.other.run.run_id],
            "settings": {name: list(pair) for name, pair in self.settings.items()},
            "steps_seen": [self.one.steps_seen, self.other.steps_seen],
            "step_s": list(self.step_s),
            "phase_s": {name: list(pair) for name, pair in self.phases.items()},
            "losses_apart": _point(self.apart),
            "last_common_step": _point(self.common),
            "findings_only_first": self.findings[0],
            "findings_only_second": self.findings[1],
            "findings_both": self.findings[2],
        }
        return {key: value for key, value in out.items() if value not in (None, {}, [])}


def _point(found: tuple[int, float, float] | None) -> dict[str, Any] | None:
    return None if found is None else {"step": found[0], "loss": [number(found[1]), number(found[2])]}


def compare(
    one: Training,
    other: Training,
    steps: Iterable[Mapping[str, Any]] = (),
    others: Iterable[Mapping[str, Any]] = (),
) -> Comparison:
    """Return what two runs have in common, and what not.

    Args:
        one: The first run.
        other: The second one.
        steps: Steps of the first, as `Store.steps` yields them; read once, in step with `others`.
        others: Steps of the second.
    """
    out = Comparison(one=one, other=other, step_s=(_step_s(one), _step_s(other)))
    for name in dict.fromkeys((*one.watched, *other.watched)):
        if (pair := (one.watched.get(name), other.watched.get(name)))[0] != pair[1]:
            out.settings[name] = pair
    for phase in dict.fromkeys((*one.phases, *other.phases)):
        out.phases[phase] = (_per_step(one, phase), _per_step(other, phase))
    for step, first, second in _paired(steps, others):
        out.common = step, first, second
        if out.apart is None and differ(first, second):
            out.apart = step, first, second
    mine = list(dict.fromkeys(finding["rule"] for finding in one.findings))
    theirs = list(dict.fromkeys(finding["rule"] for finding in other.findings))
    out.findings = (
        [rule for rule in mine if rule not in theirs],
        [rule for rule in theirs if rule not in mine],
        [rule for rule in mine if rule in theirs],
    )
    return out


def differ(one: float, other: float) -> bool:
    """Return whether two losses are different: by more than `APART`, or because only one is finite."""
    if not (isfinite(one) and isfinite(other)):
        return isfinite(one) != isfinite(other)
    return abs(one - other) > APART * max(abs(one), abs(other))


def _paired(
    steps: Iterable[Mapping[str, Any]], others: Iterable[Mapping[str, Any]]
) -> Iterable[tuple[int, float, float]]:
    second = _losses(others)
    theirs = next(second, None)
    for step, loss in _losses(steps):
        while theirs is not None and theirs[0] < step:
            theirs = next(second, None)
        if theirs is None:
            return
        if theirs[0] == step:
            yield step, loss, theirs[1]


def _losses(steps: Iterable[Mapping[str, Any]]) -> Any:
    """Yield the loss of each step that has one: of several ranks or optimizers, the first."""
    for step, records in groupby(steps, key=lambda record: record["step"]):
        found = (parse_number(record.get("loss")) for record in records)
        if (loss := next((value for value in found if value is not None), None)) is not None:
            yield step, loss


def _step_s(training: Training) -> float | None:
    counted = sum(lane.counted for lane in training.lanes)
    return sum(lane.seconds for lane in training.lanes) / counted if counted else None


def _per_step(training: Training, phase: str) -> float | None:
    counted = sum(lane.counted for lane in training.lanes)
    spent = training.phases.get(phase)
    return spent / counted if counted and spent is not None else None
