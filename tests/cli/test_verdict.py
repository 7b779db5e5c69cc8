"""The verdict: which finding it is about, and what it says, line by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.cli.record import Note
from otel_mldebug.cli.render import Look, columns
from otel_mldebug.cli.seen import Seen
from otel_mldebug.cli.supervise import Ending
from otel_mldebug.cli.verdict import MAX_LINES, verdict, where
from otel_mldebug.store.roots import root

WELL = Ending(code=0, started_ns=0, ended_ns=6_000_000_000)
FAILED = Ending(code=1, started_ns=0, ended_ns=6_000_000_000)
HERE = (Note("watched", 1, "/v/python", ""),)

NAN = {
    "rule": "loss.nonfinite",
    "category": "loss",
    "severity": "critical",
    "summary": "The loss is NaN at step 60: Div between edges and contrast made the first non-finite value.",
    "cause": "The denominator is zero.",
    "solutions": ["Add an epsilon to the denominator.", "Lower the learning rate.", "Clip gradients.", "Pray."],
    "evidence": {
        "kind": "forward operation",
        "after": "edges",
        "step": 60,
        "losses_before": [0.25, 0.5],
        "nan_share": 0.05,
    },
    "fingerprint": "9e3d71a40c0ffee0",
    "count": 60,
    "first_seen": "2026-11-21T14:30:05.000000Z",
    "step": 60,
    "epoch": 2,
    "layer": "contrast",
}
SLOW = {
    "rule": "input.bound",
    "severity": "warning",
    "category": "data",
    "summary": "64 % of the step time was spent waiting for data.",
    "step": 20,
    "first_seen": "2026-11-21T14:30:01.000000Z",
}
HANG = {"rule": "training.hang", "step": 10, "rank": 1, "ranks": [0, 1], "hosts": ["a"], "count": 2}
WAITS = {"waiting": [0], "collective": "all_reduce", "collective_number": 16, "operation": "gradient synchronisation"}
ERROR = {
    "rule": "shape.matmul",
    "severity": "error",
    "category": "model",
    "summary": "Two matrices do not fit together.",
    "first_seen": "2026-11-21T14:30:03.000000Z",
    "rank": 1,
    "hosts": ["node-b"],
    "context": {"uncaught": "main thread"},
    "exception": {
        "type": "RuntimeError",
        "message": "mat1 and mat2 shapes cannot be multiplied (4x5 and 8x2)",
        "frames": [
            {"file": "/home/u/train.py", "line": 12, "function": "main", "in_app": True},
            {"file": "/v/torch/nn/linear.py", "line": 134, "function": "Linear.forward", "in_app": False},
        ],
    },
}
LAUNCHER = {**ERROR, "rule": "structure.killed", "severity": "critical", "category": "system", "rank": None,
            "first_seen": "2026-11-21T14:30:04.000000Z"}  # fmt: skip


def lines(width=80, **facts):
    return verdict(Seen(**{"label": "train.py", "ending": WELL, "notes": HERE, **facts}), Look(width=width))


def test_a_bad_loss_as_the_user_sees_it():
    watched = {"torch": "2.15.0", "optimizers": ["SGD"], "parameters": 109_906, "models": ["Net"]}
    told = lines(findings=[NAN, SLOW], steps=120, watched=watched, losses=(2.3, float("nan")), store=".mldebug/run-1")
    assert told == [
        "┌─ otel-mldebug: critical, loss.nonfinite ─────────────────────────────────────┐",
        "│ what     The loss is NaN at step 60: Div between edges and contrast made the │",
        "│          first non-finite value.                                             │",
        "│ where    step 60 (epoch 2), first in layer contrast, 60 times                │",
        "│ evidence losses before (0.25, 0.5); nan 5 %; kind forward operation          │",
        "│ why      The denominator is zero.                                            │",
        "│ try      1. Add an epsilon to the denominator.                               │",
        "│          2. Lower the learning rate.                                         │",
        "│          3. Clip gradients.                                                  │",
        "│ also     warning input.bound at step 20: 64 % of the step time was spent wa… │",
        "│ watched  120 steps, SGD, one model (Net) of 0.1 M parameters, PyTorch 2.15.… │",
        "│ recorded 2 findings and 120 steps in .mldebug/run-1                          │",
        "│ next     otel-mldebug errors 9e3d71a4; otel-mldebug errors                   │",
        "│          otel-mldebug training                                               │",
        "└──────────────────────────────────────────────────────────────────────────────┘",
    ]


def test_a_healthy_run():
    watched = {"torch": "2.15.0", "optimizers": ["SGD"], "parameters": 203_530}
    assert lines(steps=1200, watched=watched, store=".mldebug/run-1") == [
        "┌─ otel-mldebug: no findings ──────────────────────────────────────────────────┐",
        "│ what     train.py ran through and nothing wrong was seen.                    │",
        "│ watched  1,200 steps, SGD, one model of 0.2 M parameters, PyTorch 2.15.0     │",
        "│ recorded 1,200 steps in .mldebug/run-1                                       │",
        "│ next     otel-mldebug training   # loss, gradient norm, phases by step       │",
        "│          otel-mldebug doctor     # check versions, endpoints and settings    │",
        "│          otel-mldebug explain -  # paste any error to have it explained      │",
        "└──────────────────────────────────────────────────────────────────────────────┘",
    ]


def test_a_program_that_was_killed_and_had_nothing_to_say():
    told = lines(ending=Ending(signal=9, started_ns=0, ended_ns=6_000_000_000), store=".mldebug/run-1")
    assert told[:5] == [
        "┌─ otel-mldebug: SIGKILL, no findings ─────────────────────────────────────────┐",
        "│ what     train.py was killed by SIGKILL after 6.00 s. It could not say why.  │",
        "│          Usual reasons: no memory left, a scheduler's time limit, kill -9.   │",
        "│ watched  uncaught errors; it ended before a training step was seen           │",
        "│ recorded .mldebug/run-1                                                      │",
    ]


def test_an_exception_is_told_with_its_message_and_the_users_own_line():
    told = "\n".join(
        lines(findings=[ERROR], ending=FAILED, steps=12, ranks=(0, 1), hosts=("node-a", "node-b"), width=100)
    )
    assert "what     Two matrices do not fit together." in told
    assert "error    RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x5 and 8x2)" in told
    assert "where    after 12 steps, train.py:12 in main, rank 1, on node-b" in told
    assert "ended    train.py ended with exit code 1 after 6.00 s." in told


def test_commands_name_a_store_that_is_not_the_default():
    told = "\n".join(lines(findings=[NAN], steps=5, option=" --store '/a b'", width=100))
    assert "otel-mldebug errors --store '/a b' 9e3d71a4" in told
    assert "otel-mldebug training --store '/a b'" in told


def test_of_many_findings_the_rest_is_counted():
    told = "\n".join(lines(findings=[NAN, ERROR, SLOW, SLOW, SLOW], ending=FAILED))
    assert "also     error shape.matmul: Two matrices do not fit together." in told
    assert "and 3 more findings" in told


def test_nothing_is_said_to_be_recorded_where_nothing_was_kept():
    told = "\n".join(lines(unkept="the store /x cannot be written: Permission denied"))
    assert "recorded" not in told
    assert "nothing was kept: the store /x cannot be written: Permission denied" in told


@pytest.mark.parametrize(
    ("findings", "rule"),
    [
        pytest.param([], None, id="none"),
        pytest.param([SLOW, NAN], "loss.nonfinite", id="the most severe"),
        pytest.param(
            [{**ERROR, "rank": None, "context": {}}, {**SLOW, "severity": "error"}], "input.bound", id="the earliest"
        ),
        pytest.param(
            [{**SLOW, "severity": "error", "rank": 0}, ERROR], "shape.matmul", id="the one that ended its program"
        ),
        pytest.param([LAUNCHER, ERROR], "shape.matmul", id="a rank, not its launcher"),
        pytest.param([{**LAUNCHER, "first_seen": ""}, ERROR], "structure.killed", id="a launcher that was first"),
        pytest.param([LAUNCHER, {**SLOW, "rank": 0}], "structure.killed", id="a warning explains no end"),
        pytest.param(
            [{**LAUNCHER, "category": "distributed", "rank": 0}, ERROR],
            "shape.matmul",
            id="what a rank says of another",
        ),
        pytest.param(
            [{**LAUNCHER, "category": "distributed", "rank": 0}], "structure.killed", id="nobody else said anything"
        ),
        pytest.param([{**SLOW, "severity": "made up"}, SLOW], "input.bound", id="an unknown severity"),
    ],
)
def test_the_verdict_is_about_the_root(findings, rule):
    found = root(findings)
    assert (found and found["rule"]) == rule


@pytest.mark.parametrize(
    ("finding", "facts", "text"),
    [
        ({}, {}, ""),
        ({"step": 1000}, {}, "step 1,000"),
        ({"function": "train.step", "count": 2}, {"steps": 5}, "train.step, 2 times"),
        ({"rank": 0, "hosts": ["a"]}, {}, "rank 0, on a"),
        (
            {"ranks": list(range(12)), "hosts": ["a", "b", "c", "d"]},
            {},
            "ranks 0, 1, 2, 3, 4, 5, 6, 7 and 4 more, on a, b, c",
        ),
        ({"hosts": ["a"]}, {"hosts": ("a",)}, ""),
        ({"hosts": ["a"]}, {"hosts": ("a", "b")}, "on a"),
        ({"exception": {"frames": [{"file": "C:/x/y.py", "line": 3, "function": "f"}]}}, {}, "y.py:3 in f"),
        (
            {**HANG, "evidence": {**WAITS, "missing": [1], "missing_at": "prepare (train.py:12)"}},
            {},
            "step 10, rank 1 not in all_reduce number 16, but in prepare (train.py:12), rank 0 waiting for it, on a",
        ),
        ({**HANG, "evidence": WAITS}, {}, "step 10, rank 0 in all_reduce number 16, on a"),
        (
            {**HANG, "evidence": {"missing": [1, 2], "waiting": [0, 3], "operation": "barrier"}, "hosts": []},
            {},
            "step 10, ranks 1, 2 not in barrier, ranks 0, 3 waiting for it",
        ),
        ({**HANG, "evidence": {"phase": "data"}}, {}, "step 10, ranks 0, 1, on a, 2 times"),
    ],
)
def test_where_it_was(finding, facts, text):
    assert where(finding, Seen(label="x", ending=WELL, **facts)) == text


texts = st.text(max_size=200)
findings = st.fixed_dictionaries(
    {"rule": texts, "severity": st.sampled_from(["debug", "info", "warning", "error", "critical", "odd"])},
    optional={
        "category": texts,
        "summary": texts,
        "cause": texts,
        "solutions": st.lists(texts, max_size=5),
        "evidence": st.dictionaries(texts, texts | st.floats() | st.integers() | st.lists(st.floats()), max_size=5),
        "step": st.integers(),
        "epoch": st.integers(),
        "layer": texts,
        "rank": st.integers(),
        "fingerprint": texts,
        "first_seen": texts,
        "count": st.integers(),
        "exception": st.fixed_dictionaries({"type": texts, "message": texts}),
    },
)


@given(st.lists(findings, max_size=4), st.integers(0, 10), st.integers(40, 100), st.sampled_from([WELL, FAILED]))
def test_whatever_was_found_the_verdict_fits(found, steps, width, ending):
    told = lines(findings=found, steps=steps, width=width, ending=ending, store="s")
    assert len(told) <= MAX_LINES
    assert {columns(line) for line in told} == {width}
