"""What to do, drawn only from what a run has shown: each recommendation names what it follows from. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from otel_mldebug.rules.finding import ORDER
from otel_mldebug.semconv.names import Phase, Severity
from otel_mldebug.store.groups import severity_order
from otel_mldebug.store.looks import LayerCurve
from otel_mldebug.store.roots import root
from otel_mldebug.store.training import Training

MOST_OF_ONE = 2
"""Solutions of one finding that are recommended; the others stand with the finding."""
WAITING = 0.2
"""Share of the step time that waiting for data has to take to be mentioned where no rule has fired, 0 to 1."""
WORTH_WORKERS_S = 0.002
"""Waiting for data in a step that worker processes can help with: to hand a batch over takes them about half of it."""
FEW_STEPS = 50
"""Runs with fewer steps are too short to be judged by their curves."""
_SETTLED = ("resolved", "ignored")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """One thing to do.

    Attributes:
        text: What to do, as an imperative.
        why: What was seen, with numbers.
        severity: Of the finding that it follows from; `info` where no rule has fired.
        rule: Of the finding; empty without one.
        finding: Id of its latest occurrence, for `otel-mldebug errors ID`; empty without one.
        evidence: The numbers that it rests on.
    """

    text: str
    why: str
    severity: str = str(Severity.INFO)
    rule: str = ""
    finding: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON; what is empty is left out."""
        out = {name: getattr(self, name) for name in ("text", "why", "severity", "rule", "finding", "evidence")}
        return {key: dict(value) if key == "evidence" else value for key, value in out.items() if value}


def recommend(
    training: Training, findings: Sequence[Mapping[str, Any]], layers: Sequence[LayerCurve] = ()
) -> list[Recommendation]:
    """Return what to do, the most urgent first; nothing where nothing was seen that asks for it.

    Args:
        training: What the steps came to.
        findings: Of the run, grouped, with what was decided about them.
        layers: What was seen of each layer.
    """
    out: dict[str, Recommendation] = {}
    open_ = [finding for finding in findings if finding.get("state") not in _SETTLED]
    first = root(open_)  # what the others follow from
    for finding in sorted(open_, key=lambda finding: (finding is not first, -severity_order(finding["severity"]))):
        if severity_order(finding["severity"]) < ORDER[Severity.WARNING]:
            continue
        for text in finding.get("solutions", ())[:MOST_OF_ONE]:
            out.setdefault(text, _of_finding(text, finding))
    rules = {finding["rule"] for finding in findings}
    for more in (*_of_phases(training, rules), *_of_layers(layers, rules), *_of_records(training)):
        out.setdefault(more.text, more)
    return list(out.values())


def _of_finding(text: str, finding: Mapping[str, Any]) -> Recommendation:
    return Recommendation(
        text=text,
        why=finding["summary"],
        severity=finding["severity"],
        rule=finding["rule"],
        finding=finding.get("id", ""),
        evidence=finding.get("evidence", {}),
    )


def _of_phases(training: Training, rules: set[str]) -> Iterator[Recommendation]:
    phases = training.phases
    whole = sum(phases.values())
    waiting = phases.get(Phase.DATA.value, 0.0)
    if whole > 0 and waiting / whole > WAITING and "data.input_bound" not in rules:
        workers = waiting / max(1, sum(lane.counted for lane in training.lanes)) >= WORTH_WORKERS_S
        yield Recommendation(
            text="Load batches in parallel: DataLoader(num_workers=…, persistent_workers=True)."
            if workers
            else "Take larger batches, or slice tensors that are in memory: a DataLoader collates sample by sample.",
            why=f"{waiting / whole:.0%} of the step time was waiting for data.",
            evidence={"data_share": round(waiting / whole, 4), "data_s": waiting},
        )


def _of_layers(layers: Sequence[LayerCurve], rules: set[str]) -> Iterator[Recommendation]:
    frozen = [layer for layer in layers if not layer.trainable]
    if frozen and len(frozen) < len(layers) and not any(rule.startswith("parameter") for rule in rules):
        held = sum(layer.parameters for layer in frozen)
        yield Recommendation(
            text="Check that the frozen layers are the ones that are meant to be.",
            why=f"{len(frozen)} of {len(layers)} layers with {held:,} parameters require no gradients.",
            evidence={"frozen_layers": len(frozen), "layers": len(layers), "frozen_parameters": held},
        )


def _of_records(training: Training) -> Iterator[Recommendation]:
    missing = sum(lane.steps - lane.recorded for lane in training.lanes)
    dropped = sum(sum(process.dropped.values()) for process in training.run.processes)
    if dropped:
        yield Recommendation(
            text="Give the store more room: OTEL_MLDEBUG_STORE_MAX_MB.",
            why=f"{dropped:,} records had to be given up, {missing:,} of the steps are without a record.",
            evidence={"dropped": dropped, "steps_without_record": missing},
        )
    if training.lanes and 0 < training.steps_seen < FEW_STEPS and training.run.status == "finished":
        yield Recommendation(
            text=f"Run at least {FEW_STEPS} steps before judging how the training goes.",
            why=f"{training.steps_seen} steps are too few for the rules that look at curves.",
            evidence={"steps": training.steps_seen},
        )
