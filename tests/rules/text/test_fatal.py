"""What faulthandler prints when native code crashes, and what a shell or a launcher says after it."""

import textwrap

import pytest

from otel_mldebug.rules.text.scan import scan

CRASH = """\
Fatal Python error: Segmentation fault

Current thread 0x00007fd2dbc47b80 (most recent call first):
  File "/app/model.py", line 3 in crash
  File "/opt/conda/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1775 in _call_impl
  File "/app/train.py", line 5 in <module>

Extension modules: numpy._core._multiarray_umath, torch._C (total: 2)
Segmentation fault (core dumped)
"""
FRAMES = [("/app/train.py", 5, True), ("module.py", 1775, False), ("/app/model.py", 3, True)]


def seen_in(text):
    return list(scan(textwrap.dedent(text).splitlines()))


def frames(seen):
    return [(frame.file.rpartition("/modules/")[2], frame.line, frame.in_app) for frame in seen.facts.frames]


@pytest.mark.parametrize("prefix", ["", "[rank3]: ", "2026-11-22T01:02:03.1Z stderr F "])
def test_a_crash_is_one_failure_with_its_stack(prefix):
    (seen,) = seen_in("epoch 1\n" + "".join(f"{prefix}{line}\n" for line in CRASH.splitlines()))
    assert (seen.line, seen.facts.message) == (2, "Fatal Python error: Segmentation fault")
    assert frames(seen) == FRAMES
    assert seen.rank == (3 if "rank" in prefix else None)


def test_of_several_threads_the_one_that_crashed_counts():
    other = 'Thread 0x00007f00 (most recent call first):\n  File "/app/loader.py", line 9 in wait\n\n'
    head, _, rest = CRASH.partition("Current")
    (seen,) = seen_in(head + other + "Current" + rest)
    assert frames(seen) == FRAMES
    before, _, after = CRASH.partition("Extension")
    (seen,) = seen_in(before + other + "Extension" + after)
    assert frames(seen) == FRAMES


def test_a_crash_without_a_stack_is_a_failure_too():
    (seen,) = seen_in(
        "Fatal Python error: Aborted\n\nCurrent thread 0x00007f (most recent call first):\n  <no Python frame>\n"
    )
    assert (seen.facts.message, seen.facts.frames) == ("Fatal Python error: Aborted", ())


def test_the_line_after_a_dump_is_read_as_ever():
    seen = seen_in(CRASH.replace("Segmentation fault (core dumped)", "ValueError: something else"))
    assert [one.facts.message for one in seen] == ["Fatal Python error: Segmentation fault", "something else"]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("ValueError: bad\nAborted (core dumped)\n", ["bad"]),
        (
            "terminate called after throwing an instance of 'c10::Error'\n  what():  CUDA error: illegal\n\n"
            "Aborted (core dumped)\n",
            ["CUDA error: illegal"],
        ),
        ("Aborted (core dumped)\n", ["Aborted (core dumped)"]),
        ("ValueError: bad\n" + "step\n" * 50 + "Aborted (core dumped)\n", ["bad", "Aborted (core dumped)"]),
        ("ValueError: bad\nKilled\n", ["bad", "Killed"]),
    ],
)
def test_an_abort_right_after_a_failure_is_what_came_of_it(text, messages):
    assert [seen.facts.message for seen in seen_in(text)] == messages
