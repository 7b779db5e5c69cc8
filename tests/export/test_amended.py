"""What a program says by hand of a failure that was seen before it says so: in the store, and on the exception."""

import pytest

from otel_mldebug import capture_exception, handle_error
from otel_mldebug.export.emitter import Emitter, Outlets
from otel_mldebug.export.groups import Groups, Rate
from otel_mldebug.export.seen import finding_of
from otel_mldebug.instrument import sink
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.store.queries import Store
from otel_mldebug.store.writer import StoreWriter


class Through(sink.NullSink):
    """A sink that is nothing but an emitter and what it writes to."""

    def __init__(self, emitter, writer):
        self.exception, self.flush = emitter.exception, writer.flush

    def active(self):
        return True


@pytest.fixture
def store(tmp_path):
    writer = StoreWriter(tmp_path, "run", resource={names.SERVICE_NAME: "test"}, max_bytes=2**20)
    emitter = Emitter(Outlets(store=writer), groups=Groups(lambda: 0.0, per_group=Rate(2, 0)))
    previous = sink.current()
    sink.install(Through(emitter, writer))
    yield Store(tmp_path)
    sink.install(previous)
    emitter.close()
    writer.close()


def seen(message="boom"):
    """Return an exception that an emitter has seen already, as by `@trace`."""
    try:
        raise ConnectionRefusedError(111, message)
    except ConnectionRefusedError as exc:
        sink.current().exception(exc, function="app.fetch", context={"attempt": 1, "step": 7})
        return exc


def listed(store):
    sink.current().flush()
    keys = ("category", "severity", "count", "suppressed", "step", "context")
    return [{key: finding.get(key) for key in keys} for finding in store.findings()]


def test_values_given_by_hand_take_the_place_of_ours_and_count_nothing(store):
    exc = seen()
    own = {"category": "data", "severity": "warning", "user_data": {"plan": "gold"}}
    made = capture_exception(exc, context={"attempt": 3, "api_key": "abcdefgh12345678", "step": 9}, **own)
    assert listed(store) == [
        {
            "category": "data",
            "severity": "warning",
            "count": 1,
            "suppressed": 0,
            "step": 7,
            "context": {"attempt": 3, "api_key": "[redacted:api-key]", "user.plan": "gold"},
        }
    ]
    assert (finding_of(exc).category, finding_of(exc).severity) == (Category.DATA, Severity.WARNING)
    assert store.occurrence(made.id)["category"] == "data"


def test_a_failure_that_was_got_over_is_a_warning_with_what_was_tried(store):
    handle_error(seen(), tried=["a smaller batch", "the CPU"], recovered=True)
    (finding,) = listed(store)
    assert (finding["severity"], finding["count"]) == ("warning", 1)
    assert finding["context"] == {"attempt": 1, "tried": "a smaller batch; the CPU", "recovered": True}


def test_of_one_that_was_only_counted_nothing_is_written(store):
    for _ in range(3):
        exc = seen()
    capture_exception(exc, category="data")
    assert [(finding["category"], finding["count"]) for finding in listed(store)] == [("network", 3)]
    assert finding_of(exc).category is Category.DATA


def test_an_outer_place_that_only_sees_it_changes_nothing(store):
    exc = seen()
    before = listed(store)
    sink.current().exception(exc, function="outer", context={"uncaught": "thread 7", "step": 9}, at_most=Severity.INFO)
    assert listed(store) == before


def test_that_it_ended_the_program_in_the_end_is_kept(store):
    exc = seen()
    (before,) = listed(store)
    for _ in range(2):
        sink.current().exception(exc, context={"uncaught": "main thread"})
    assert listed(store) == [{**before, "context": {"attempt": 1, "uncaught": "main thread"}}]


def test_other_occurrences_of_the_group_keep_what_they_are(store):
    seen()
    capture_exception(seen(), severity="debug")
    assert [(finding["severity"], finding["count"]) for finding in listed(store)] == [("error", 2)]
