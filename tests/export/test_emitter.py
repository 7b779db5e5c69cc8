"""One failure becomes one finding: in the store, as a log event, on the counter and on the span."""

import builtins
from dataclasses import replace

import pytest

from otel_mldebug import _guard
from otel_mldebug.export.emitter import Emitter, Outlets
from otel_mldebug.export.groups import Groups, Rate
from otel_mldebug.export.seen import finding_of, occurrence_of
from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Category, Severity

SECRET = "hf_abcdefghijklmnopqrstuvwxyzabcdefgh"
FINDING = Finding(
    rule="loss.nonfinite",
    category=Category.LOSS,
    severity=Severity.CRITICAL,
    summary="The loss is NaN.",
    evidence={"step": 7},
    fingerprint="0123456789abcdef",
    basis="detector",
)


class Store:
    """Keeps what the emitter writes."""

    def __init__(self):
        self.occurrences, self.counts = [], {}

    def finding(self, occurrence):
        self.occurrences.append(occurrence)

    def counted(self, fingerprint, count):
        self.counts[fingerprint] = count


def raised(exc):
    try:
        raise exc
    except type(exc) as caught:
        return caught


def slow_groups(burst=1):
    return Groups(lambda: 0.0, per_group=Rate(burst, 0))


def test_an_exception_is_one_event_one_count_and_one_record_on_its_span(telemetry):
    with telemetry.tracer.start_as_current_span("work", record_exception=False, set_status_on_exception=False):
        made = telemetry.runtime.exception(raised(ValueError("boom")), function="app.work")

    event = telemetry.events[0]
    span = telemetry.only_span()
    key = (
        (names.MLDEBUG_FINDING_CATEGORY, str(made.finding.category)),
        (names.MLDEBUG_FINDING_RULE, made.finding.rule),
        (names.MLDEBUG_FINDING_SEVERITY, str(made.finding.severity)),
    )
    assert telemetry.findings == [made]
    assert telemetry.points(names.MLDEBUG_FINDINGS) == {key: 1}
    assert (event.event_name, event.body, event.span_id) == (
        "mldebug.finding",
        made.finding.summary,
        span.context.span_id,
    )
    assert event.attributes[names.EXCEPTION_TYPE] == event.attributes[names.ERROR_TYPE] == "ValueError"
    assert event.attributes[names.EXCEPTION_MESSAGE] == "boom"
    assert event.attributes[names.CODE_FUNCTION_NAME] == made.function == "app.work"
    assert (made.trace_id, made.span_id) == (f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}")
    assert span.attributes[names.MLDEBUG_FINDING_ID] == made.id
    assert span.attributes[names.MLDEBUG_FINDING_RULE] == made.finding.rule
    assert names.EXCEPTION_STACKTRACE not in span.attributes


def test_an_outer_place_gets_the_same_occurrence_and_counts_nothing(telemetry):
    exc = raised(ValueError("boom"))
    inner = telemetry.runtime.exception(exc, function="inner")
    with telemetry.tracer.start_as_current_span("outer"):
        outer = telemetry.runtime.exception(exc, function="outer")
    assert outer is inner is occurrence_of(exc)
    assert finding_of(exc) is inner.finding
    assert len(telemetry.events) == len(telemetry.findings) == 1
    assert sum(telemetry.points(names.MLDEBUG_FINDINGS).values()) == 1
    assert telemetry.only_span().attributes[names.MLDEBUG_FINDING_ID] == inner.id


@pytest.mark.parametrize("exc", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()], ids=lambda e: type(e).__name__)
def test_how_a_program_is_told_to_stop_is_no_finding(telemetry, exc):
    assert telemetry.runtime.exception(exc) is None
    assert telemetry.findings == []


def test_secrets_leave_neither_by_message_nor_argument_nor_context_nor_source_line(telemetry, tmp_path):
    store = Store()
    emitter = Emitter(Outlets(store=store))

    def login(token):
        raise PermissionError(f"bad token {SECRET}")  # the source line holds none

    try:
        login(SECRET)
    except PermissionError as exc:
        emitter.exception(exc, arguments={"token": SECRET, "n": 3}, context={"url": f"https://u:{SECRET}@host/x"})
    assert len(store.occurrences) == 1
    assert SECRET not in repr(store.occurrences)
    assert store.occurrences[0].context["argument.n"] == "3"
    assert "[redacted" in store.occurrences[0].exception["message"]


def test_step_epoch_and_layer_get_fields_and_the_rest_stays_context(telemetry):
    made = telemetry.runtime.exception(
        raised(ValueError("x")), context={"step": 7, "epoch": 1, "layer": "fc", "lr": 0.5, "note": "n" * 500}
    )
    assert (made.step, made.epoch, made.layer) == (7, 1, "fc")
    assert made.context["lr"] == 0.5
    assert len(made.context["note"]) == 200


def test_an_exception_that_lets_nobody_read_an_attribute_is_a_finding_too(telemetry):
    class Closed(Exception):  # noqa: N818
        def __getattribute__(self, name):
            raise RuntimeError(f"nobody reads {name}")

    closed = raised(Closed("shut"))
    made = telemetry.runtime.exception(closed)
    assert (made.exception["message"], occurrence_of(closed)) == ("shut", made)


@pytest.mark.parametrize("step", [None, True, "seven", 1.5])
def test_a_step_that_is_no_number_is_left_out(telemetry, step):
    assert telemetry.runtime.exception(raised(ValueError("x")), context={"step": step}).step is None


def test_the_users_own_category_and_severity_win(telemetry):
    made = telemetry.runtime.exception(raised(ValueError("x")), category="data", severity=Severity.INFO)
    assert (made.finding.category, made.finding.severity) == (Category.DATA, Severity.INFO)


def test_a_detectors_finding_is_sent_as_it_is(telemetry):
    made = telemetry.runtime.finding(FINDING, step=7, epoch=0, layer="fc1", function="train")
    assert made.finding == FINDING
    assert (made.step, made.epoch, made.layer, made.function, made.exception, made.context) == (
        7,
        0,
        "fc1",
        "train",
        {},
        {},
    )
    assert telemetry.events[0].attributes[names.MLDEBUG_EVIDENCE + ".step"] == 7
    assert names.ERROR_TYPE not in telemetry.events[0].attributes


def test_above_its_rate_a_group_is_counted_and_at_the_end_said_how_often():
    store = Store()
    emitter = Emitter(Outlets(store=store), groups=slow_groups())
    for _ in range(10):
        emitter.finding(FINDING)
    assert [(o.count, o.suppressed) for o in store.occurrences] == [(1, 0)]
    assert store.counts == {FINDING.fingerprint: 10}
    emitter.close()
    assert [(o.count, o.suppressed) for o in store.occurrences] == [(1, 0), (10, 8)]
    emitter.close()
    assert len(store.occurrences) == 2


def test_what_is_held_back_is_still_counted_exactly_and_told_to_listeners(telemetry):
    for _ in range(20):
        telemetry.runtime.finding(FINDING)
    assert [o.count for o in telemetry.findings] == list(range(1, 21))
    assert sum(telemetry.points(names.MLDEBUG_FINDINGS).values()) == 20
    assert len(telemetry.events) == 5


def test_a_note_says_what_to_do_in_four_lines_at_most():
    finding = Finding(
        rule="r", category=Category.DATA, severity=Severity.ERROR, summary="What.\nmore", docs="https://d",
        solutions=("One.", "Two.", "Three."), fingerprint="f",
    )  # fmt: skip
    emitter = Emitter(Outlets(), notes=True, explain=lambda exc, redactor, **_: _explained(finding))
    exc = raised(ValueError("x"))
    made = emitter.exception(exc)
    expected = f"otel-mldebug: What. more [r, {made.id}]\n  try: One.\n  try: Two.\n  see: https://d"
    assert getattr(exc, "__notes__", [expected]) == [expected]


def _explained(finding):
    from otel_mldebug.export.failure import Explained

    return Explained(finding=finding)


def test_without_notes_the_exception_prints_as_ever(telemetry):
    exc = raised(ValueError("x"))
    telemetry.runtime.exception(exc)
    assert not hasattr(exc, "__notes__")


class HostileError(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__

    def __setattr__(self, name, value):
        raise RuntimeError("no attributes")

    def add_note(self, note):
        raise RuntimeError("no notes")


def test_a_hostile_exception_breaks_nothing_and_is_reported_once(telemetry):
    exc = raised(HostileError())
    first = telemetry.runtime.exception(exc, arguments={"self": exc}, context={"again": exc})
    assert first.exception["type"].endswith("HostileError")
    assert telemetry.runtime.exception(exc) is first


def test_a_fault_of_ours_is_counted_and_the_caller_gets_none(monkeypatch):
    monkeypatch.setattr(_guard, "strict", False)
    emitter = Emitter(Outlets(), explain=lambda *_, **__: 1 / 0)
    assert emitter.exception(raised(ValueError("x"))) is None
    assert _guard.faults() == {"explain an exception": 1}


def test_an_outlet_that_fails_does_not_keep_the_others_from_it(monkeypatch, telemetry):
    monkeypatch.setattr(_guard, "strict", False)

    class Broken(Store):
        def finding(self, occurrence):
            raise OSError(28, "No space left on device")

    telemetry.runtime.open().emitter.outlets.store = Broken()
    made = telemetry.runtime.exception(raised(ValueError("x")))
    assert [event.attributes[names.MLDEBUG_FINDING_ID] for event in telemetry.events] == [made.id]
    assert _guard.faults() == {"write a finding to the store": 1}


def test_an_error_while_an_error_is_sent_is_not_sent_in_a_circle(telemetry):
    runtime = telemetry.runtime

    class Logs:
        def emit(self, **_):
            runtime.exception(raised(ValueError("inside")))

    runtime.open().emitter.outlets.logger = Logs()
    runtime.exception(raised(ValueError("outside")))
    assert len(telemetry.findings) == 1


@pytest.mark.skipif(not hasattr(builtins, "ExceptionGroup"), reason="this Python has no exception groups")
def test_secrets_in_members_causes_and_notes_do_not_leave(telemetry, tmp_path):
    store = Store()
    try:
        try:
            raise builtins.ExceptionGroup("all failed", [ValueError("fine"), PermissionError(f"denied for {SECRET}")])
        except builtins.ExceptionGroup as exc:
            raise RuntimeError("outer") from exc
    except RuntimeError as exc:
        exc.add_note(f"tried with {SECRET}")
        Emitter(Outlets(store=store)).exception(exc)
    written = repr(store.occurrences)
    assert SECRET not in written
    assert "2 of 2:" in store.occurrences[0].exception["stacktrace"]
    assert "[redacted:huggingface-token]" in written


def test_kinds_beyond_the_bound_are_counted_together_and_explained_each():
    store = Store()
    emitter = Emitter(Outlets(store=store), groups=Groups(lambda: 0.0, max_kinds=1))
    kinds = [replace(FINDING, rule=rule, fingerprint=rule) for rule in ("a", "b", "c")]
    made = [emitter.finding(kind) for kind in kinds]
    assert [one.finding for one in made] == kinds
    written = [(one.finding.rule, one.finding.severity, one.count) for one in store.occurrences]
    assert written == [
        ("a", Severity.CRITICAL, 1),
        ("errors.many_kinds", Severity.CRITICAL, 1),
        ("errors.many_kinds", Severity.CRITICAL, 2),
    ]


def test_a_kind_is_written_before_its_example_gives_way_to_others():
    store = Store()
    groups = Groups(lambda: 0.0, overall=Rate(0, 0), introductions=0, max_groups=1)
    emitter = Emitter(Outlets(store=store), groups=groups)
    for rule in ("a", "a", "b", "a", "b"):
        emitter.finding(replace(FINDING, rule=rule, fingerprint=rule))
    written = [(one.finding.rule, one.count, one.suppressed) for one in store.occurrences]
    assert written == [("a", 2, 1), ("b", 1, 0)]
    assert store.counts == {"a": 3, "b": 2}
