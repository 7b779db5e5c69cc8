"""One failure, one finding: explained once, redacted, counted, written to the store, then handed to OpenTelemetry."""

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.metrics import Counter
from opentelemetry.trace import get_current_span

from otel_mldebug._guard import fault, guard
from otel_mldebug.export import event, seen
from otel_mldebug.export.failure import Explained, amended, explained
from otel_mldebug.export.groups import Groups, HeldBack, yet_another
from otel_mldebug.export.rates import Rates
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import ORDER, Finding, Occurrence
from otel_mldebug.rules.fingerprint import detected
from otel_mldebug.rules.redact import DEFAULT, Redactor
from otel_mldebug.semconv import names
from otel_mldebug.store.attributes import SEVERITY_NUMBERS

NOT_FAILURES = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""How a program is told to stop: no findings."""

MAX_WRITTEN = 256
"""Latest occurrences in the store, which a program may still say something about."""


class Keeper(Protocol):
    """Writes findings down: the store."""

    def finding(self, occurrence: Occurrence) -> None:
        """Write one finding, at once; one with an id that was written before takes its place."""

    def counted(self, fingerprint: str, count: int) -> None:
        """Keep that a group has been seen `count` times, the latest of which are not written one by one."""


@dataclass(slots=True)
class Outlets:
    """Where the emitter hands findings to. Each may be absent.

    Attributes:
        store: The local store.
        logger: OpenTelemetry logger for the event.
        counter: Counter of findings.
        tags: Attributes of the process that the resource of a foreign SDK lacks.
    """

    store: Keeper | None = None
    logger: Logger | None = None
    counter: Counter | None = None
    tags: Mapping[str, Value] = field(default_factory=dict)


class Emitter:
    """Makes occurrences and sends them. Thread-safe; nothing it does raises, and a second call inside one is ignored.

    Args:
        outlets: Where findings go.
        redactor: What replaces secrets.
        notes: Whether an exception gets the explanation as a note.
        explain: Turns an exception into a finding and what the event says of the exception.
        groups: Counts and rates.
        surroundings: Tells what is known of the machine when a finding is sent; takes 2 ms at most.
        clock_ns: Wall time in nanoseconds since the epoch.
        rates_clock: Seconds that only go forward, for the rates of groups.
    """

    def __init__(
        self,
        outlets: Outlets,
        *,
        redactor: Redactor = DEFAULT,
        notes: bool = False,
        explain: Callable[..., Explained] = explained,
        groups: Groups | None = None,
        surroundings: Callable[[Finding], Mapping[str, Value]] | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
        rates_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.outlets = outlets
        self.groups = groups or Groups(time.monotonic)
        self._rates = Rates(rates_clock)
        self._redactor = redactor
        self._notes, self._explain, self._clock_ns = notes, explain, clock_ns
        self._surroundings = surroundings
        self.listeners: list[Callable[[Occurrence], None]] = []
        """Called with each occurrence that is made."""
        self._written: deque[str] = deque(maxlen=MAX_WRITTEN)
        self._inside = threading.local()
        self._turns = seen.Turns()

    def exception(
        self,
        exc: BaseException,
        *,
        function: str = "",
        arguments: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        **own: Any,
    ) -> Occurrence | None:
        """Do what `Sink.exception` promises."""
        if issubclass(type(exc), NOT_FAILURES):
            return None

        def make() -> Occurrence:
            known = seen.occurrence_of(exc)
            if known is None:
                made = self._explain(
                    exc, self._redactor, function=function, arguments=arguments, context=context, **own
                )
                known = _told_before(exc, made.finding)
                if known is None:
                    sent = self._send(self._occurrence(made), late=made.late)
                    seen.remember(exc, sent)
                    if self._notes:
                        _add_note(exc, event.note(sent))
                    return sent
                seen.remember(exc, known)
            known = self._amend(exc, known, amended(known, self._redactor, context or {}, own))
            self._on_span(known)
            return known

        with self._turns.of(exc):
            return self._once("explain an exception", make)

    def finding(
        self,
        finding: Finding,
        *,
        step: int | None = None,
        epoch: int | None = None,
        layer: str = "",
        function: str = "",
        context: Mapping[str, Any] | None = None,
    ) -> Occurrence | None:
        """Do what `Sink.finding` promises."""
        if not finding.fingerprint:
            finding = replace(finding, fingerprint=detected(finding.rule, layer or function))
        made = Explained(
            finding=finding,
            function=function,
            context={**(context or {}), "step": step, "epoch": epoch, "layer": layer},
        )
        return self._once("send a finding", lambda: self._send(self._occurrence(made.redacted(self._redactor))))

    def look_at_rates(self) -> None:
        """Send what rises beyond chance since the last look; one thread does that, every ten seconds or so."""
        with guard("look at the rates of findings"):
            for rising in self._rates.look(self.groups.counted()):
                self.finding(rising)

    def close(self) -> None:
        """Send what is still held back: the last occurrence of each group that was suppressed, with how many were."""
        for held_back in self.groups.drain():
            self._once("send a finding that was held back", partial(self._show, held_back))

    def _amend(self, exc: BaseException, known: Occurrence, later: Occurrence) -> Occurrence:
        """Keep what the program says of a failure that has been sent: on the exception, and in the store."""
        if later != known:
            seen.remember(exc, later)
            if self.outlets.store is not None and known.id in self._written:
                with guard("amend a finding in the store"):
                    self.outlets.store.finding(later)
        return later

    def _once(self, doing: str, work: Callable[[], Occurrence | None]) -> Occurrence | None:
        """Do `work`, guarded; what it sets off in this thread that would come back here is ignored."""
        if getattr(self._inside, "busy", False):
            return None
        self._inside.busy = True
        try:
            return work()
        except Exception as problem:  # noqa: BLE001
            fault(doing, problem)
            return None
        finally:
            self._inside.busy = False

    def _occurrence(self, made: Explained) -> Occurrence:
        context = dict(made.context)
        span = get_current_span().get_span_context()
        return Occurrence(
            finding=made.finding,
            id=secrets.token_hex(8),
            time_ns=self._clock_ns(),
            function=made.function,
            step=_int(context.pop("step", None)),
            epoch=_int(context.pop("epoch", None)),
            layer=str(context.pop("layer", None) or ""),
            exception=made.exception,
            context=context,
            trace_id=f"{span.trace_id:032x}" if span.is_valid else "",
            span_id=f"{span.span_id:016x}" if span.is_valid else "",
        )

    def _show(self, held_back: HeldBack) -> None:
        # The example itself is sent now, so it is no longer among those that were not.
        last = replace(held_back.example, count=held_back.seen, suppressed=held_back.suppressed - 1)
        self._hand_over(last)

    def _send(self, made: Occurrence, *, late: bool = False) -> Occurrence:
        finding = made.finding if self.groups.has_room_for(made.finding.fingerprint) else yet_another(made.finding)
        verdict = self.groups.see(finding.fingerprint, finding)
        made = replace(made, count=verdict.count, suppressed=verdict.suppressed)
        if self.outlets.counter is not None:
            self.outlets.counter.add(1, {**event.metric_attributes(made.finding), **self.outlets.tags})
        if verdict.send:
            if not late:
                made = self._with_surroundings(made)
            self._hand_over(replace(made, finding=finding))
        else:
            if self.outlets.store is not None:
                self.outlets.store.counted(finding.fingerprint, verdict.count)
            example = replace(made, finding=finding, exception=_short(made), context={})
            self.groups.held_back(finding.fingerprint, example)
        for held_back in self.groups.fallen():
            self._show(held_back)
        self._on_span(made)
        for listener in list(self.listeners):
            with guard("tell a listener of a finding"):
                listener(made)
        return made

    def _with_surroundings(self, occurrence: Occurrence) -> Occurrence:
        if self._surroundings is not None:
            with guard("say what surrounds a finding"):
                return replace(occurrence, context={**self._surroundings(occurrence.finding), **occurrence.context})
        return occurrence

    def _hand_over(self, occurrence: Occurrence) -> None:
        if self.outlets.store is not None:
            with guard("write a finding to the store"):
                self.outlets.store.finding(occurrence)
                self._written.append(occurrence.id)
        if self.outlets.logger is not None:
            with guard("send a finding to OpenTelemetry"):
                severity = occurrence.finding.severity
                self.outlets.logger.emit(
                    timestamp=occurrence.time_ns,
                    observed_timestamp=occurrence.time_ns,
                    severity_number=SeverityNumber(SEVERITY_NUMBERS[severity]),
                    severity_text=str(severity),
                    body=occurrence.finding.summary,
                    attributes={**event.event_attributes(occurrence), **self.outlets.tags},
                    event_name=names.EVENT_MLDEBUG_FINDING,
                )

    def _on_span(self, occurrence: Occurrence) -> None:
        span = get_current_span()
        if span.is_recording():
            with guard("put a finding on its span"):
                span.set_attributes(event.span_attributes(occurrence))


def _told_before(exc: BaseException, finding: Finding) -> Occurrence | None:
    """Return what was made of the exception behind `exc` that `finding` explains, unless it was taken more lightly.

    So a program that reports a failure, and then raises another class for its caller, has one finding.
    """
    for known in seen.occurrences_behind(exc):
        earlier = known.finding
        same = (earlier.rule, earlier.fingerprint) == (finding.rule, finding.fingerprint)
        if same and ORDER[earlier.severity] >= ORDER[finding.severity]:
            return known
    return None


def _add_note(exc: BaseException, text: str) -> None:
    add = getattr(BaseException, "add_note", None)  # from Python 3.11 on; before, no traceback shows notes
    if add is not None:
        with guard("add a note to an exception"):
            add(exc, text)


def _short(occurrence: Occurrence) -> dict[str, Any]:
    exception = occurrence.exception
    return {key: str(exception[key])[:500] for key in ("type", "message") if exception.get(key)}


def _int(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
