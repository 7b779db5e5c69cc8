"""Lines that announce a failure without a traceback, and lines that only look like it."""

import pytest

from otel_mldebug.rules.text.events import event_in, may_matter
from otel_mldebug.rules.text.lines import clean, is_record, without_prefix
from otel_mldebug.rules.text.read import facts_of_message, read_text


@pytest.mark.parametrize(
    ("line", "type_", "message"),
    [
        ("Killed", "", "Killed"),
        ("run.sh: line 3:  1234 Killed   python train.py", "", "Killed"),
        ("Segmentation fault (core dumped)", "", "Segmentation fault (core dumped)"),
        ("srun: error: node1: task 3: Out Of Memory", "", "srun: error: node1: task 3: Out Of Memory"),
        ("  what():  CUDA error: an illegal memory access", "", "CUDA error: an illegal memory access"),
        ("2024-01-02 10:00:00,1 ERROR RuntimeError: boom", "RuntimeError", "boom"),
        ("ERROR train: RuntimeError: boom", "RuntimeError", "boom"),
        ("[rank3]: torch.OutOfMemoryError: CUDA out of memory", "torch.OutOfMemoryError", "CUDA out of memory"),
        ("step 30 loss: nan", "", "step 30 loss: nan"),
        (
            "[E ProcessGroupNCCL.cpp:456] Watchdog caught collective operation timeout",
            "",
            "[E ProcessGroupNCCL.cpp:456] Watchdog caught collective operation timeout",
        ),
    ],
)
def test_an_event(line, type_, message):
    facts = event_in(line)
    assert facts is not None
    assert (facts.type, facts.message) == (type_, message)
    assert may_matter(line)


@pytest.mark.parametrize(
    "line",
    [
        "Epoch 3: loss 0.1",
        "INFO: 0 errors, all good",
        "UserWarning: lr_scheduler.step() before optimizer.step()",
        "the exit code of the tests was fine",
        "killed it: accuracy 99%",
        "info: nanny started",
        "",
    ],
)
def test_no_event(line):
    assert event_in(line) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2024-01-02 10:00:00,123 - train - INFO - hello", "train - INFO - hello"),
        ("[rank0]: hello", "hello"),
        ("E0102 10:00:00.123456 139 hello", "hello"),
        ("(Worker pid=3, ip=10.0.0.1) hello", "hello"),
        ("hello", "hello"),
    ],
)
def test_prefixes(line, said):
    assert without_prefix(line) == said


def test_cleaning_takes_colours_progress_and_nul_away():
    assert clean("\x1b[1;31mred\x1b[0m\n") == "red"
    assert clean("[0;31mpasted colour[0m") == "pasted colour"
    assert clean(" 10%|#\r 20%|##\r 30%|###\n") == " 30%|###"
    assert clean("a\0b") == "ab"
    assert len(clean("x" * 1_000_000)) < 17_000


@pytest.mark.parametrize(
    ("line", "record"),
    [
        ("2024-01-02 10:00:00 x", True),
        ("INFO: x", True),
        ("  5%|█ | 3/60", True),
        ("Epoch 3", True),
        ("and so on", False),
        ("    indented", False),
        ("information", False),
    ],
)
def test_records(line, record):
    assert is_record(line) == record


@pytest.mark.parametrize(
    ("text", "type_", "message"),
    [
        ("ValueError: bad", "ValueError", "bad"),
        ("torch.cuda.OutOfMemoryError: CUDA out of memory", "torch.cuda.OutOfMemoryError", "CUDA out of memory"),
        ("a.b.RayTaskError(ValueError): x", "ValueError", "x"),
        ("KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("CUDA out of memory", "", "CUDA out of memory"),
        ("error: something", "", "error: something"),
        ("Note: this is fine", "", "Note: this is fine"),
        ("RuntimeError: a\nb\n\nc", "RuntimeError", "a\nb\n\nc"),
        ("__main__.MyError: x", "MyError", "x"),
    ],
)
def test_a_bare_message(text, type_, message):
    facts = facts_of_message(text)
    assert (facts.type, facts.message) == (type_, message)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("RuntimeError: CUDA error: device-side assert\nCUDA kernel errors might be\nFor debugging", 1),
        ("INFO a\nINFO b\nERROR KeyError: 'x'\nINFO c\nERROR ValueError: y", 2),
        ("INFO a\nINFO b\n", 0),
        ("some words nobody knows", 1),
        ("", 0),
        ("\n \n", 0),
    ],
)
def test_how_many_failures_a_text_holds(text, count):
    assert len(read_text(text)) == count
