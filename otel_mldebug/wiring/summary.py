"""What has been recorded so far, on demand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from otel_mldebug.config import Config
from otel_mldebug.store.queries import Store
from otel_mldebug.wiring import display
from otel_mldebug.wiring.process import runtime


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What one run has recorded so far: prints as text, shows as HTML in a notebook.

    Attributes:
        run_id: Id of the run; empty when nothing has been recorded.
        store: Directory of the store.
        findings: Groups of findings, the most severe first, each as `otel-mldebug errors --json` has it.
        steps_seen: Training steps.
        phases: Seconds by phase of training.
        watched: What was watched.
    """

    run_id: str = ""
    store: Path = Path()
    findings: Sequence[Mapping[str, Any]] = ()
    steps_seen: int = 0
    phases: Mapping[str, float] = field(default_factory=dict)
    watched: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values; what is unknown is left out."""
        out = {
            "run_id": self.run_id,
            "findings": [dict(finding) for finding in self.findings],
            "steps_seen": self.steps_seen,
            "phases": dict(self.phases),
            "watched": dict(self.watched),
        }
        return {key: value for key, value in out.items() if value not in ("", {})}

    def __str__(self) -> str:
        shown = display.Findings(self.findings)
        return f"{self._headline()}\n\n{shown!r}" if self.findings else self._headline()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        blocks = "".join(display.html(finding) for finding in self.findings)
        return f"<div><p>{escape(self._headline())}</p>{blocks}</div>"

    def _headline(self) -> str:
        if not self.run_id:
            return f"Nothing has been recorded in {self.store} yet."
        groups = f"{len(self.findings)} findings" if len(self.findings) != 1 else "1 finding"
        steps = f"{self.steps_seen:,} training steps" if self.steps_seen else "no training steps"
        total_s = sum(self.phases.values())
        shares = [f"{name} {seconds / total_s:.0%}" for name, seconds in self.phases.items() if total_s > 0]
        return f"Run {self.run_id}: {groups if self.findings else 'no findings'}, {steps}" + (
            f" ({', '.join(shares)})" if shares else ""
        )


def summary() -> Summary:
    """Return what this process's run has recorded so far, or the latest run where nothing is being watched.

    Raises:
        ConfigError: nothing is being watched, and the settings that say where the store is are unusable.
        StoreError: a newer version wrote the store.
    """
    current = runtime()
    config = current.config if current is not None else Config.load()
    run_id = ""
    if current is not None:
        if current.pipeline is not None:
            current.pipeline.flush()
        run_id = current.run_id
        if not run_id:
            return Summary(store=config.store)
    if not config.store.is_dir():
        return Summary(store=config.store)
    store = Store(config.store)
    if not (runs := [run for run in store.runs() if run_id in ("", run.run_id)]):
        return Summary(store=config.store)
    training = store.summary(runs[0].run_id)
    return Summary(
        run_id=training.run.run_id,
        store=config.store,
        findings=training.findings,
        steps_seen=training.steps_seen,
        phases=training.phases,
        watched=training.watched,
    )
