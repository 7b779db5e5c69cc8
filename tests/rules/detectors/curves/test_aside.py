"""Time that goes into checkpoints and into the collection of garbage."""

import pytest

from otel_mldebug.rules.detectors.curves.aside import checkpoints, collecting, written_by
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
    finding = detect(thinned(field, 0.07))

    assert (finding.rule, finding.severity.value, finding.evidence["share_of_time"]) == (rule, "warning", 0.4118)
    assert finding.evidence["steps"] == 1900
    assert "41% of the time" in finding.summary


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
        pytest.param(thinned("save_s", 0.5, every=2, n=10), id="few steps"),
        pytest.param([*thinned("save_s", 0.05, n=20)[:-1], thinned("save_s", 5.0)[-1]], id="a single long one"),
        pytest.param(thinned("save_s", 5.0, n=1), id="one step"),
    ],
)
def test_usual_checkpoints_are_nobodys_business(window):
    assert checkpoints(window) is None


def every_40(saved_by="", late=0):
    """Records of all steps, of which every 40th waits for something to be written."""
    made, now_ns = [], 0
    for i in range(241):
        writes = i and i % 40 == (late if i == 120 + late else 0)
        now_ns += 510 * MS if writes else 10 * MS
        more = {"save_s": 0.5, "saved_by": saved_by} if writes else {}
        made.append(StepRecord(index=i, time_ns=now_ns, duration_s=0.51 if writes else 0.01, **more))
    return made


@pytest.mark.parametrize(
    ("saved_by", "said"), [("", "torch.save"), ("pickle.dump", "pickle.dump"), ("gzip.compress", "gzip.compress")]
)
def test_what_writes_how_often_and_how_long_is_told(saved_by, said):
    finding = checkpoints(every_40(saved_by))

    assert finding.summary == (
        f"55% of the time goes into writing checkpoints ({said}): 3 s in 240 steps, 0.5 s every 40 steps."
    )
    assert (finding.evidence["every_steps"], finding.evidence["each_s"]) == (40, 0.5)
    assert finding.cause.startswith(said)


@pytest.mark.parametrize("window", [every_40(late=17), thinned("save_s", 0.06)], ids=["now and then", "few records"])
def test_no_rhythm_is_told_where_none_is_known(window):
    finding = checkpoints(window)

    assert "every_steps" not in finding.evidence
    assert "steps." in finding.summary
    assert "every" not in finding.summary


def test_most_of_the_writing_names_the_function():
    assert written_by([]) == "torch.save"
    assert written_by(every_40("os.fsync")[:200] + every_40("json.dump")) == "json.dump"


def test_what_happened_before_the_first_record_of_the_window_does_not_count():
    first, *rest = thinned("gc_s", 0.0)
    before = StepRecord(index=first.index, time_ns=first.time_ns, duration_s=0.001, gc_s=60.0)

    assert collecting([before, *rest]) is None
