"""Shares, rates, trends, impact and decisions: what is said of groups of findings beyond their occurrences."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.errors import StoreError
from otel_mldebug.semconv import names
from otel_mldebug.store import states
from otel_mldebug.store.analysis import analysed, with_impact
from otel_mldebug.store.queries import ALL, Store
from otel_mldebug.store.states import State, decide, read
from otel_mldebug.store.trends import SLICES, _put, _whole
from tests.store.making import START_NS, finding, later, occurrence, recorded, writer

S = 10**9


@pytest.fixture
def two_groups(root):
    """A run of 120 s: one group at its begin, one four times at its end, of which three are only counted."""
    clock = later(0)
    out = writer(root, clock=clock)
    out.finding(occurrence(1, at_s=1, of=finding("data.bad", "aaaa")))
    out.finding(occurrence(2, at_s=100, of=finding("net.down", "bbbb")))
    clock.now_s = 119
    out.counted("bbbb", 3)
    out.flush()
    clock.now_s = 120
    out.close()
    return root


# Course


def test_groups_have_share_rate_and_trend(two_groups):
    found = {f["rule"]: (f["share"], f["rate_per_s"], f["trend"]) for f in analysed(Store(two_groups))}
    assert found == {
        "data.bad": (0.25, 0.008333, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        "net.down": (0.75, 0.025, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1]),
    }


def test_since_makes_the_time_shorter(two_groups):
    (found,) = analysed(Store(two_groups), since_ns=START_NS + 60 * S)
    assert (found["rule"], found["share"], found["trend"]) == ("net.down", 1.0, [0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1])


def test_one_moment_has_no_course(root):
    recorded(root, occurrence(1))
    (found,) = analysed(Store(root))
    assert (found["share"], "rate_per_s" in found, "trend" in found) == (1.0, False, False)


def test_a_run_without_findings_has_nothing_to_analyse(root):
    out = writer(root)
    out.counted("x", 1)
    out.close()
    assert analysed(Store(root)) == analysed(Store(root), ALL) == []


counts = st.lists(st.tuples(st.integers(-50, 150), st.integers(-50, 150), st.integers(0, 1000)), max_size=20)


@given(counts)
def test_what_falls_into_the_time_is_all_there(parts):
    values = [0.0] * SLICES
    inside = 0
    for begin, end, number in parts:
        _put(values, min(begin, end), max(begin, end), number, 0, 100)
        inside += number if max(begin, end) >= 0 and min(begin, end) <= 100 else 0
    assert sum(values) == pytest.approx(inside)
    if inside:
        whole = _whole(values, inside)
        assert sum(whole) == inside
        assert min(whole) >= 0
        assert max(abs(a - b) for a, b in zip(whole, values, strict=True)) <= 1


# Impact


def call_metrics(function, calls, errors, time_s):
    def metric(name, value, **about):
        pairs = [{"key": names.CODE_FUNCTION_NAME, "value": {"stringValue": function}}]
        pairs += [{"key": names.ERROR_TYPE, "value": {"stringValue": kind}} for kind in about.values()]
        return {"name": name, "sum": {"dataPoints": [{"attributes": pairs, **value}]}}

    rows = [
        metric(names.MLDEBUG_FUNCTION_CALLS.name, {"asInt": str(calls)}),
        metric(names.MLDEBUG_FUNCTION_ERRORS.name, {"asInt": str(errors)}, kind="ValueError"),
        metric(names.MLDEBUG_FUNCTION_TIME.name, {"asDouble": time_s}),
    ]
    return {"resource": {}, "scopeMetrics": [{"scope": {}, "metrics": rows}]}


def failed_span(function, seconds, code=2):
    return {
        "name": function,
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": str(START_NS + int(seconds * S)),
        "attributes": [{"key": names.CODE_FUNCTION_NAME, "value": {"stringValue": function}}],
        "status": {"code": code},
    }


def with_calls(root, *spans, calls=100, errors=4, time_s=60.0):
    out = writer(root)
    out.finding(occurrence(1, function="app.load"))
    out.metrics(call_metrics("app.load", calls - 1, errors - 1, time_s - 1))
    out.flush()
    out.metrics(call_metrics("app.load", calls, errors, time_s))
    out.metrics(call_metrics("app.load_all", 7, 7, 7.0))
    out.spans([*spans, failed_span("app.load_all", 9.0)])
    out.close()
    store = Store(root)
    (found,) = store.findings()
    return with_impact(store, found, None).get("impact")


def test_failing_calls_are_compared_with_succeeding_ones(root):
    spans = [failed_span("app.load", seconds) for seconds in (2.0, 4.0)]
    assert with_calls(root, *spans, failed_span("app.load", 50.0, code=0)) == {
        "calls": 100,
        "errors": 4,
        "success_share": 0.96,
        "failing_s": 3.0,
        "succeeding_s": 0.5,
    }


@pytest.mark.parametrize(
    ("spans", "known"),
    [
        pytest.param([], {"calls", "errors", "success_share"}, id="no failure recorded"),
        pytest.param([2.0], {"calls", "errors", "success_share", "failing_s"}, id="too few to stand for all"),
        pytest.param([90.0] * 4, {"calls", "errors", "success_share", "failing_s"}, id="longer than all calls"),
    ],
)
def test_what_cannot_be_known_is_left_out(root, spans, known):
    assert set(with_calls(root, *(failed_span("app.load", seconds) for seconds in spans))) == known


def test_a_function_that_was_not_watched_has_no_impact(root):
    recorded(root, occurrence(1, function="app.other"))
    store = Store(root)
    assert "impact" not in with_impact(store, store.findings()[0], None)


# Decisions


def test_the_last_decision_holds_and_an_open_one_is_none(root):
    root.mkdir()
    decide(root, "aaaa", "ignored", time_ns=1)
    decide(root, "bbbb", "resolved", time_ns=2, note="fixed")
    decide(root, "aaaa", "open", time_ns=3)
    assert read(root) == {"bbbb": State(name="resolved", since_ns=2, note="fixed")}


def test_without_a_file_nothing_was_decided(root):
    assert read(root) == {}


def test_damaged_lines_cost_only_themselves(root):
    root.mkdir()
    good = '{"v": 1, "time_ns": 5, "group": "a", "state": "ignored"}'
    rows = ["nonsense", good, '{"state": "ignored"}', '{"time_ns": 1, "group": "b", "state": "gone"}', good[:20]]
    (root / "states.jsonl").write_text("\n".join(rows))
    assert set(read(root)) == {"a"}
    decide(root, "c", "resolved", time_ns=6)
    assert set(read(root)) == {"a", "c"}


def test_many_may_decide_at_a_time(root):
    root.mkdir()

    def work(name):
        for number in range(50):
            decide(root, f"{name}-{number}", "ignored", time_ns=number, note="n" * 500)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(read(root)) == {f"{name}-{number}" for name in range(4) for number in range(50)}


def test_what_cannot_be_written_is_said(root):
    with pytest.raises(StoreError, match=r"Could not write .*states.jsonl .*; nothing was changed"):
        decide(root, "a", "ignored", time_ns=1)


@pytest.mark.parametrize(
    ("name", "seen_ns", "now"),
    [
        pytest.param("resolved", 99, "resolved", id="not since"),
        pytest.param("resolved", 100, "resolved", id="at that very moment"),
        pytest.param("resolved", 101, "reopened", id="again"),
        pytest.param("ignored", 101, "ignored", id="ignored stays ignored"),
    ],
)
def test_a_resolved_group_that_is_seen_again_is_reopened(name, seen_ns, now):
    assert State(name=name, since_ns=100).after(seen_ns).name == now


def test_a_group_that_came_back_in_another_run_is_reopened_in_all(root):
    recorded(root, occurrence(1), run_id="first")
    decide(root, "f00d", "resolved", time_ns=START_NS + S)
    before = analysed(Store(root), "first")[0]["state"]
    recorded(root, occurrence(2, at_s=5), run_id="second", clock=later(5))
    after = [analysed(Store(root), run)[0]["state"] for run in ("first", "second")]
    assert (before, after) == ("resolved", ["reopened", "reopened"])


def test_a_finding_without_a_fingerprint_goes_by_its_rule():
    assert states.key_of({"rule": "loss.nonfinite"}) == "loss.nonfinite"
    assert states.key_of({"rule": "loss.nonfinite", "fingerprint": "f"}) == "f"
