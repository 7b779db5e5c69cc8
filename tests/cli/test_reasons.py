"""How it ended, what was watched, and why nothing was: one row of the table for each way to say it."""

import signal

import pytest

from otel_mldebug.cli.reasons import ended, no_steps, watched
from otel_mldebug.cli.record import Note
from otel_mldebug.cli.seen import Seen
from otel_mldebug.cli.supervise import Ending

SECONDS_12 = {"started_ns": 0, "ended_ns": 12_000_000_000}
OOM = "The kernel killed a process of this control group for lack of memory; the largest had 2.00 GiB."


def seen(**facts):
    ending = Ending(**SECONDS_12, **facts.pop("ending", {"code": 0}))
    return Seen(label="train.py", ending=ending, **facts)


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        pytest.param({}, "", id="well"),
        pytest.param({"ending": {"code": 3}}, "train.py ended with exit code 3 after 12.0 s.", id="a code"),
        pytest.param({"ending": {"code": 128}}, "train.py ended with exit code 128 after 12.0 s.", id="no signal"),
        pytest.param({"ending": {"code": 255}}, "train.py ended with exit code 255 after 12.0 s.", id="the last code"),
        pytest.param(
            {"ending": {"code": 137}},
            "train.py ended with exit code 137 after 12.0 s: SIGKILL hit a process of it. It could not say why. "
            "Usual reasons: no memory left, a scheduler's time limit, kill -9.",
            id="a shell's code for a signal",
        ),
        pytest.param(
            {"ending": {"signal": signal.SIGKILL}},
            "train.py was killed by SIGKILL after 12.0 s. It could not say why. Usual reasons: no memory left, a "
            "scheduler's time limit, kill -9.",
            id="killed",
        ),
        pytest.param(
            {"ending": {"signal": signal.SIGKILL, "peak_bytes": 2 * 2**30}, "oom_kills": 1},
            f"train.py was killed by SIGKILL after 12.0 s. {OOM}",
            id="killed for lack of memory",
        ),
        pytest.param(
            {"ending": {"code": 1, "peak_bytes": 2 * 2**30}, "oom_kills": 1},
            f"train.py ended with exit code 1 after 12.0 s. {OOM}",
            id="a child killed for lack of memory",
        ),
        pytest.param(
            {"oom_kills": 2},
            "The kernel killed 2 processes of this control group for lack of memory.",
            id="killed children of a program that ended well",
        ),
        pytest.param(
            {"ending": {"signal": signal.SIGTERM, "handed_on": ("SIGTERM",)}},
            "train.py was ended by SIGTERM after 12.0 s. The signal was sent to otel-mldebug, which handed it on.",
            id="asked to end",
        ),
        pytest.param(
            {"ending": {"signal": signal.SIGSEGV}},
            "train.py was killed by SIGSEGV after 12.0 s. Native code crashed: run it with python -X faulthandler to "
            "see the line.",
            id="crashed",
        ),
        pytest.param({"ending": {"signal": 40}}, "train.py was killed by signal 40 after 12.0 s.", id="no name"),
    ],
)
def test_how_it_ended(facts, text):
    assert ended(seen(**facts)) == text


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (
            {"steps": 1200, "watched": {"torch": "2.15.0+cu132", "optimizers": ["SGD"], "parameters": 203_530}},
            "1,200 steps, SGD, one model of 0.2 M parameters, PyTorch 2.15.0",
        ),
        (
            {"steps": 1, "watched": {"models": ["Net"], "parameters": 49_999}, "losses": (2.5, 0.125)},
            "1 step, one model (Net) of 49,999 parameters, loss 2.5 to 0.125",
        ),
        (
            {
                "steps": 9,
                "ranks": (0, 1),
                "watched": {"models": ["G", "D"], "parameters": 7e9, "optimizers": list("abcd")},
            },
            "9 steps on each of 2 ranks, a + b + c, 2 models of 7.0 B parameters",
        ),
        ({"steps": 5, "losses": (1.0, float("nan"))}, "5 steps, loss 1 to NaN"),
        ({"findings": [{"step": 70}, {"step": 9}, {}], "watched": {"torch": "2.4"}}, "at least 71 steps, PyTorch 2.4"),
        ({"findings": [{"step": 70, "exception": {"type": "E"}}], "watched": {}}, "at least 70 steps"),
        ({"findings": [{"step": 70, "rule": "training.hang"}], "watched": {}}, "at least 70 steps"),
        ({"findings": [{"step": 70, "rule": "training.hang"}], "watched": {}, "steps": 70}, "70 steps"),
        ({"findings": [{"step": 70}], "steps": 71}, "71 steps"),
        ({"steps": 5, "dropped": 1000}, "5 steps, 1,000 records given up for lack of room"),
    ],
)
def test_what_was_watched(facts, text):
    assert watched(seen(**facts)) == text


HERE = Note("watched", 1, "/v/python", "")
ABSENT = Note("absent", 2, "/other/python", "ModuleNotFoundError: …")
FAILED = Note("failed", 3, "/v/python", "ImportError: no wrapt")
TORCH = Note("torch", 1, "/v/python", "2.15.0+cpu")


@pytest.mark.parametrize(
    ("facts", "text", "advice"),
    [
        ({"disabled": "OTEL_SDK_DISABLED"}, "nothing: switched off by OTEL_SDK_DISABLED", ""),
        (
            {"unkept": "the disk is full"},
            "nothing was kept: the disk is full",
            "Name a directory that can be written: --store DIR",
        ),
        (
            {"isolated": "-I"},
            "nothing: Python was started with -I, which keeps it from loading otel-mldebug",
            "Leave -I out, or call otel_mldebug.configure() in the program.",
        ),
        (
            {"notes": (FAILED, ABSENT)},
            "nothing: otel-mldebug could not start in the program (ImportError: no wrapt)",
            "Run: otel-mldebug doctor",
        ),
        (
            {"notes": (ABSENT,)},
            "nothing: the program ran under /other/python, which has no otel-mldebug",
            "Run: /other/python -m pip install otel-mldebug",
        ),
        (
            {},
            "nothing: no Python process was seen",
            "If there was one: did it reset PYTHONPATH, or run in a container or on another host?",
        ),
        (
            {"notes": (HERE,), "torch_off": "OTEL_MLDEBUG_TORCH"},
            "uncaught errors, not training: switched off by OTEL_MLDEBUG_TORCH",
            "",
        ),
        ({"notes": (HERE, TORCH)}, "uncaught errors; PyTorch 2.15.0 was imported, and no optimizer took a step", ""),
        (
            {"notes": (HERE,), "watched": {"torch": "2.4.0"}},
            "uncaught errors; PyTorch 2.4.0 was imported, and no optimizer took a step",
            "",
        ),
        ({"notes": (HERE,), "ending": {"signal": 9}}, "uncaught errors; it ended before a training step was seen", ""),
        (
            {"notes": (HERE, ABSENT, FAILED)},
            "uncaught errors; PyTorch was not imported, so there was no training to see",
            "",
        ),
    ],
)
def test_why_no_step_was_seen(facts, text, advice):
    assert no_steps(seen(**facts)) == (text, advice)
    assert watched(seen(**facts)) == text
