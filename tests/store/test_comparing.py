"""Two runs side by side."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.store.comparing import compare, differ
from otel_mldebug.store.queries import Store
from tests.store.making import finding, occurrence, step, writer


def made(root, run_id, losses, *, duration_s=0.5, rules=(), **watched):
    out = writer(root, run_id)
    out.watched({"torch": "2.15.0", **watched})
    for n, loss in enumerate(losses):
        out.step(step(n, loss=loss, duration_s=duration_s, forward_s=duration_s / 2, backward_s=0.1))
    for n, rule in enumerate(rules):
        out.finding(occurrence(n, of=finding(rule, f"{n:016x}")))
    out.close()


def compared(root):
    store = Store(root)
    return compare(store.summary("one"), store.summary("two"), store.steps("one"), store.steps("two")).to_json()


def test_runs_are_told_apart_by_settings_times_losses_and_findings(tmp_path):
    made(tmp_path, "one", [1.0, 0.9, 0.8], rules=("a.b", "c.d"), optimizers=["SGD"])
    made(tmp_path, "two", [1.0, 0.9, 0.5, 0.4], duration_s=1.0, rules=("c.d", "e.f"), optimizers=["Adam"])
    assert compared(tmp_path) == {
        "runs": ["one", "two"],
        "settings": {"optimizers": [["SGD"], ["Adam"]]},
        "steps_seen": [3, 4],
        "step_s": [0.5, 1.0],
        "phase_s": {"forward": [0.25, 0.5], "backward": [pytest.approx(0.1), pytest.approx(0.1)],
                    "other": [pytest.approx(0.15), pytest.approx(0.4)]},
        "losses_apart": {"step": 2, "loss": [0.8, 0.5]},
        "last_common_step": {"step": 2, "loss": [0.8, 0.5]},
        "findings_only_first": ["a.b"],
        "findings_only_second": ["e.f"],
        "findings_both": ["c.d"],
    }  # fmt: skip


def test_runs_that_agree_do_not_part(tmp_path):
    made(tmp_path, "one", [1.0, None, 0.8])
    made(tmp_path, "two", [1.0, 0.9, 0.801])
    found = compared(tmp_path)
    assert "losses_apart" not in found
    assert found["last_common_step"] == {"step": 2, "loss": [0.8, 0.801]}


def test_a_loss_that_is_not_finite_in_one_run_only_parts_them(tmp_path):
    made(tmp_path, "one", [1.0, math.nan])
    made(tmp_path, "two", [1.0, 0.9])
    assert compared(tmp_path)["losses_apart"] == {"step": 1, "loss": ["NaN", 0.9]}


def test_runs_without_steps_have_nothing_in_common(tmp_path):
    made(tmp_path, "one", [], rules=("a.b",))
    made(tmp_path, "two", [1.0])
    found = compared(tmp_path)
    assert (found["steps_seen"], found["step_s"], "last_common_step" in found) == ([0, 1], [None, 0.5], False)


@given(st.floats(), st.floats())
def test_whether_losses_differ_does_not_depend_on_their_order(one, other):
    assert differ(one, other) == differ(other, one)
    assert not differ(one, one)
