"""What the steps of a run come to."""

import json
import math
import time
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.store import pending
from otel_mldebug.store.curve import POINTS, Bin, Curve
from otel_mldebug.store.queries import Store
from tests.store.making import finding, occurrence, step, writer


def recorded(root, steps, **more):
    out = writer(root, **more)
    for record in steps:
        out.step(record)
    out.close()
    return out


def test_training_has_exactly_the_keys_of_the_contract(root):
    whole = {"data_s": 0.1, "forward_s": 0.1, "backward_s": 0.2, "optimizer_s": 0.05}
    out = writer(root, rank=0)
    out.watched({"torch": "2.15.0"})
    out.step(step(0, **whole, loss=2.0, gradient_norm=1.0, learning_rate=0.1, samples=32, epoch=0, optimizer="SGD"))
    out.step(step(1, **whole, loss=math.nan, gradient_norm=math.inf, backward_calls=2, skipped=True))
    out.finding(occurrence(1, of=finding("loss.nonfinite"), step=1))
    out.close()

    training = Store(root).training()
    found = training.pop("findings")
    assert [f["rule"] for f in found] == ["loss.nonfinite"]
    assert json.dumps(training) == json.dumps(
        {
            "run_id": "run",
            "status": "finished",
            "steps_seen": 2,
            "ranks": [0],
            "phases": {"data": 0.2, "forward": 0.2, "backward": 0.4, "optimizer": 0.1, "other": 0.1},
            "duration_s": 1.0,
            "first_bad_step": 1,
            "watched": {"torch": "2.15.0"},
            "by_process": [
                {
                    "rank": 0,
                    "process": out.directory.name,
                    "steps_seen": 2,
                    "duration_s": 1.0,
                    "phases": {"data": 0.2, "forward": 0.2, "backward": 0.4, "optimizer": 0.1, "other": 0.1},
                    "samples": 32,
                    "samples_per_s": 64.0,
                    "loss": "NaN",
                    "first_bad_step": 1,
                }
            ],
            "steps": [
                {
                    "step": 0,
                    "rank": 0,
                    "duration_s": 0.5,
                    **whole,
                    "loss": 2.0,
                    "gradient_norm": 1.0,
                    "learning_rate": 0.1,
                    "samples": 32,
                    "epoch": 0,
                    "optimizer": "SGD",
                },
                {
                    "step": 1,
                    "rank": 0,
                    "duration_s": 0.5,
                    **whole,
                    "loss": "NaN",
                    "gradient_norm": "Infinity",
                    "backward_calls": 2,
                    "skipped": True,
                },
            ],
        }
    )


def test_parts_of_phases_that_were_measured_now_and_then_are_taken_to_be_alike_in_all_steps(root):
    whole = {"duration_s": 2.0, "data_s": 0.5, "forward_s": 0.5, "backward_s": 0.5}
    out = writer(root, rank=0)
    for number in range(40):
        parts = {"copy_s": 0.125, "loss_s": 0.25} if number % 8 == 1 else {}
        parts |= {"sync_s": 0.125} if number % 8 == 2 else {}
        out.step(step(number, **whole, **parts))
    out.close()

    training = Store(root).training()
    phases = {"data": 20.0, "copy": 5.0, "forward": 5.0, "loss": 10.0, "backward": 15.0, "sync": 5.0, "other": 20.0}
    assert training["phases"] == phases
    assert list(training["by_process"][0]["phases"].items()) == list(phases.items())
    assert [(s["copy_s"], s["loss_s"]) for s in training["steps"] if "loss_s" in s] == [(0.125, 0.25)] * 5


def test_parts_of_steps_that_were_not_asked_for_do_not_count(root):
    out = writer(root, rank=0)
    for number in range(10):
        out.step(step(number, forward_s=0.25, backward_s=0.1, **({"loss_s": 0.125} if number == 1 else {})))
    out.close()

    assert Store(root).training(first=5)["phases"] == {"forward": 1.25, "backward": 0.5, "other": 0.75}


def test_a_run_without_steps_says_so(root):
    out = writer(root)
    out.watched({"torch": "2.15.0"})
    out.finding(occurrence(1))
    out.close()

    training = Store(root).training()
    assert {key: training[key] for key in ("steps_seen", "ranks", "phases", "steps", "by_process", "watched")} == {
        "steps_seen": 0,
        "ranks": [],
        "phases": {},
        "steps": [],
        "by_process": [],
        "watched": {"torch": "2.15.0"},
    }
    assert "duration_s" not in training


def test_ranks_step_together_and_come_side_by_side(root):
    recorded(root, [step(0), step(1), step(2)], rank=1)
    recorded(root, [step(0), step(1)], rank=0)
    store = Store(root)

    assert [(s["step"], s["rank"]) for s in store.steps()] == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 1)]
    assert store.summary().steps_seen == 3
    assert store.training()["ranks"] == [0, 1]


def test_processes_without_a_rank_count_each_their_own_steps(root):
    first = recorded(root, [step(0), step(1)])
    second = recorded(root, [step(0)])
    store = Store(root)

    assert store.summary().steps_seen == 3
    assert [(s["step"], s["process"]) for s in store.steps()] == [
        (0, first.directory.name),
        (0, second.directory.name),
        (1, first.directory.name),
    ]


def test_phases_that_were_not_measured_are_not_made_up(root):
    recorded(root, [step(0), step(1, data_s=0.1)])

    assert Store(root).training()["phases"] == {"data": 0.1}


def test_times_that_are_not_finite_do_not_spoil_the_sums(root):
    recorded(root, [step(0, data_s=0.1, backward_s=0.2), step(1, duration_s=math.nan, data_s=math.inf, backward_s=0.2)])
    training = Store(root).training()

    assert (training["duration_s"], training["phases"]) == (0.5, {"data": 0.1, "backward": 0.4, "other": 0.2})
    json.dumps(training, allow_nan=False)


def test_only_the_steps_that_were_asked_for(root, monkeypatch):
    monkeypatch.setattr(pending, "MAX_STEPS", 10)
    recorded(root, [step(n, loss=float(n)) for n in range(35)])
    store = Store(root)

    assert [s["step"] for s in store.steps(first=9, last=21)] == list(range(9, 22))
    summary = store.summary(first=9, last=21)
    assert (summary.steps_seen, summary.lanes[0].counted, summary.lanes[0].seconds) == (35, 13, 6.5)
    assert (summary.curves["loss"].first, summary.curves["loss"].last) == ((9, 9.0), (21, 21.0))
    assert store.training(first=100)["steps"] == []


def test_optimizers_that_share_a_step_make_one_step_of_both_times(root):
    first = {"duration_s": 0.5, "forward_s": 0.1, "backward_s": 0.2, "optimizer_s": 0.1, "optimizer": "SGD"}
    second = {"duration_s": 0.25, "optimizer_s": 0.2, "optimizer": "AdamW", "backward_calls": 0}
    recorded(root, [step(n, **one) for n in range(3) for one in (first, second)])

    summary = Store(root).summary()
    (lane,) = summary.lanes
    assert (summary.steps_seen, lane.steps, lane.recorded, lane.counted, lane.seconds) == (3, 3, 3, 3, 2.25)
    assert [one.mean for one in summary.curves["duration_s"].bins] == [0.75, 0.75, 0.75]
    assert summary.phases == {"forward": 0.3, "backward": 0.6, "optimizer": 0.9, "other": 0.45}


def test_a_step_that_two_batches_of_records_share_counts_once(root, monkeypatch):
    monkeypatch.setattr(pending, "MAX_STEPS", 1)
    recorded(root, [step(n, optimizer=name) for n in range(3) for name in ("SGD", "Adam")])

    (lane,) = Store(root).summary().lanes
    assert (lane.steps, lane.recorded, lane.counted) == (3, 3, 3)


def test_steps_whose_records_were_given_up_are_still_counted(root):
    recorded(root, [step(n) for n in range(100, 110)])

    (lane,) = Store(root).summary().lanes
    assert (lane.steps, lane.recorded) == (110, 10)


def test_the_first_bad_step_is_the_first_of_all_ranks(root):
    recorded(root, [step(n, loss=math.nan if n == 7 else 1.0) for n in range(10)], rank=0)
    recorded(root, [step(n, gradient_norm=math.inf if n in (5, 6) else 1.0) for n in range(10)], rank=1)

    training = Store(root).summary()
    assert (training.first_bad.first_bad, training.first_bad.process.rank) == (5, 1)


def test_many_steps_are_read_in_bounded_memory(root):
    number = 60_000
    recorded(root, (step(n, loss=1.0 / (n + 1), data_s=0.1, backward_s=0.2) for n in range(number)))
    tracemalloc.start()
    try:
        summary = Store(root).summary()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert summary.steps_seen == number
    assert peak < 20 * 2**20


def test_a_long_run_is_summarised_in_seconds(root):
    recorded(root, (step(n, loss=1.0, forward_s=0.1, backward_s=0.2) for n in range(50_000)))
    began_s = time.process_time()
    Store(root).summary()

    assert time.process_time() - began_s < 3


series = st.lists(
    st.tuples(st.integers(0, 10_000), st.none() | st.floats(width=32)), max_size=200, unique_by=lambda pair: pair[0]
).map(sorted)


@given(series, st.integers(1, 7))
def test_a_curve_keeps_what_a_list_would_know(values, batch):
    curve = Curve()
    for first in range(0, len(values), batch):
        part = values[first : first + batch]
        curve.add([n for n, _ in part], [value for _, value in part])

    known = [(n, value) for n, value in values if value is not None]
    finite = [(n, value) for n, value in known if math.isfinite(value)]
    assert len(curve.bins) <= POINTS
    assert repr((curve.first, curve.last)) == repr((known[0], known[-1]) if known else (None, None))
    assert curve.lowest == (min((value, n) for n, value in finite) if finite else None)
    assert curve.highest == (max(finite, key=lambda pair: (pair[1], -pair[0]))[::-1] if finite else None)
    assert curve.first_bad == next((n for n, value in known if not math.isfinite(value)), None)
    assert sum(one.finite for one in curve.bins) == len(finite)
    assert sum(one.bad for one in curve.bins) == len(known) - len(finite)


def test_bins_double_and_keep_their_sums():
    curve = Curve(start=10)
    curve.add(range(10, 10 + 2 * POINTS), [1.0] * 2 * POINTS)

    assert curve.width == 2
    assert curve.bins == [Bin(2.0, 2, 0)] * POINTS
