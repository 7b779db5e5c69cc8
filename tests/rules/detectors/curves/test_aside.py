"""Time that goes into checkpoints and into the collection of garbage."""

import pytest

from otel_mldebug.rules.detectors.curves.aside import checkpoints, collecting
from otel_mldebug.rules.steps import StepRecord

MS = 1_000_000


def thinned(field, seconds, every=100, n=20, epoch=None):
    """Records of every so many steps of a millisecond each; between two of them, `field` has taken so many seconds."""
    apart = every * MS + int(seconds * 1000 * MS)
    return [
        StepRecord(index=i * every, time_ns=i * apart, duration_s=0.001, epoch=epoch and i, **{field: seconds or None})
        for i in range(n)
    ]


@pytest.mark.parametrize(
    ("detect", "field", "rule"),
    [(checkpoints, "save_s", "timing.checkpoints"), (collecting, "gc_s", "timing.garbage_collection")],
)
def test_what_takes_a_good_part_of_the_time_is_told_although_no_recorded_step_was_slow(detect, field, rule):
    finding = detect(thinned(field, 0.06))

    assert (finding.rule, finding.severity.value, finding.evidence["share_of_time"]) == (rule, "warning", 0.375)
    assert finding.evidence["steps"] == 1900
    assert "38% of the time" in finding.summary


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(thinned("save_s", 0.02), id="a sixth of the time"),
        pytest.param(thinned("save_s", 0.06, n=10), id="little in all"),
        pytest.param(thinned("save_s", 0.5, n=4), id="three times"),
        pytest.param(thinned("save_s", 0.06, epoch=True), id="between two passes over the data"),
        pytest.param(thinned("save_s", 0.0), id="never"),
        pytest.param(thinned("gc_s", 0.06), id="garbage"),
        pytest.param([], id="no steps"),
        pytest.param(thinned("save_s", 5.0, n=1), id="one step"),
    ],
)
def test_usual_checkpoints_are_nobodys_business(window):
    assert checkpoints(window) is None


def test_what_happened_before_the_first_record_of_the_window_does_not_count():
    first, *rest = thinned("gc_s", 0.0)
    before = StepRecord(index=first.index, time_ns=first.time_ns, duration_s=0.001, gc_s=60.0)

    assert collecting([before, *rest]) is None
