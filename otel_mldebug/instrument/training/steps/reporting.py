"""Which rules are firing, and telling the sink about those that start to."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from otel_mldebug import _guard
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.instrument.training.steps.crowding import share_of_a_processor
from otel_mldebug.instrument.training.steps.signals import Signals
from otel_mldebug.rules.detectors import Detector, family
from otel_mldebug.rules.finding import ORDER, Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Severity


class Reporter:
    """Reports a rule once when it starts to fire, and again only after it has stopped.

    While one rule of a family fires, the others are symptoms of the same trouble and say nothing.

    Args:
        detectors: In order of importance: of a family, the first that fires is reported.
        signals: Makes the spans that findings belong to.
    """

    def __init__(self, detectors: Sequence[Detector], signals: Signals) -> None:
        self._detectors = detectors
        self._signals = signals
        self._firing: dict[str, str | None] = {}
        self._seen: dict[str, str] = {}
        self._worst: dict[str, tuple[str, int]] = {}

    def __bool__(self) -> bool:
        """Return whether anything fires that the steps alone show."""
        return bool(self._firing)

    def firing(self, rule: str) -> bool:
        """Return whether `rule`, or one of its family, has been reported and not stopped since."""
        return family(rule) in self._firing or family(rule) in self._seen

    def settle(self, cell: Cell) -> None:
        """Note whose step it was in which something was found while it was still going on: one of `cell` has ended."""
        for name, owner in list(self._firing.items()):
            if owner is None:
                self._firing[name] = cell.name

    def look(self, record: StepRecord, cell: Cell, span: Any) -> Any:
        """Let the detectors look at the window of `cell`, whose latest step is `record`.

        Returns:
            The step's span: `span`, or a new one if something was reported and there was none.
        """
        firing = self._firing
        self.settle(cell)
        cell.window.machine = share_of_a_processor()
        found = {family(f.rule): f for detect in reversed(self._detectors) if (f := detect(cell.window)) is not None}
        for name in [n for n, owner in firing.items() if owner == cell.name and n not in found]:
            del firing[name]
        for name in [n for n in found if n not in firing and n not in self._seen and n not in cell.told]:
            span = self.of_record(record, cell, span, found[name])
        return span

    def of_record(self, record: StepRecord, cell: Cell, span: Any, finding: Finding, layer: str = "") -> Any:
        """Report what was found in a step that has ended; return its span."""
        name = family(finding.rule)
        if name in self._firing or name in self._seen:
            return span
        self._firing[name] = cell.name
        span = span or self._signals.start_span(record.time_ns - int(record.duration_s * 1e9))
        _send(finding, span, step=_begun(finding, record.index), epoch=record.epoch, layer=layer)
        return span

    def under_way(self, finding: Finding, span: Any, *, step: int, epoch: int | None, layer: str) -> None:
        """Report what was found while a step is still going on, unless its family is firing."""
        name = family(finding.rule)
        if name not in self._firing and name not in self._seen:
            self._firing[name] = None
            _send(finding, span, step=_begun(finding, step), epoch=epoch, layer=layer)

    def of_looks(self, found: Sequence[Finding], cell: Cell, span: Callable[[], Any], *, step: int) -> bool:
        """Report what looks into the steps of `cell` show; what they showed before and do not any more has stopped.

        Args:
            found: What detectors found, in order of importance.
            cell: The optimizer's.
            span: Returns the step's span.
            step: The one that was looked into last.

        Returns:
            Whether anything new was reported.
        """
        first: dict[str, Finding] = {}
        for finding in found:
            known = first.setdefault(family(finding.rule), finding)
            if self._worse(finding) and not self._worse(known):
                first[family(finding.rule)] = finding
        for name in [n for n, owner in self._seen.items() if owner == cell.name and n not in first]:
            del self._seen[name]
        fresh = [
            n for n in first
            if n not in self._firing and (self._worse(first[n]) or (n not in self._seen and n not in cell.told))
        ]  # fmt: skip
        epoch = cell.window[-1].epoch if cell.window else None
        for name in fresh:
            finding, self._seen[name] = first[name], cell.name
            self._worst[name] = finding.rule, ORDER[finding.severity]
            began = finding.evidence.get("step")
            _send(
                finding,
                span(),
                step=began if type(began) is int else step,
                epoch=epoch,
                layer=str(finding.evidence.get("layer", "")),
            )
        return bool(fresh)

    def _worse(self, finding: Finding) -> bool:
        """Return whether what has been told as worth knowing only has become something to act on since."""
        rule, told = self._worst.get(family(finding.rule), ("", 0))
        return rule == finding.rule and told < ORDER[Severity.WARNING] <= ORDER[finding.severity]

    def restart(self) -> None:
        """Forget what is firing."""
        self._firing.clear()
        self._seen.clear()

    def retire(self, cell: Cell) -> None:
        """Take note that the optimizer of `cell` is gone, and its troubles with it: nothing is told twice."""
        for fires in (self._firing, self._seen):
            for name in [n for n, owner in list(fires.items()) if owner == cell.name]:
                fires.pop(name, None)
                cell.told.add(name)


def _begun(finding: Finding, latest: int) -> int:
    """Return the first bad step, as far as the finding says so; the latest one otherwise."""
    began = finding.evidence.get("step")
    return min(began, latest) if type(began) is int else latest


def _send(finding: Finding, span: Any, *, step: int, epoch: int | None, layer: str) -> None:
    scope: Any = nullcontext()
    with _guard.guard("put a finding into its step's span"):
        from opentelemetry.trace import use_span

        scope = use_span(span)
    with scope:
        sinks.current().finding(finding, step=step, epoch=epoch, layer=layer)
