"""Tracebacks are found in any text: logs, several ranks at once, notebooks, containers."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.text.block import MAX_LINES
from otel_mldebug.rules.text.scan import scan
from otel_mldebug.rules.unwrap import links

TRACEBACK = """\
Traceback (most recent call last):
  File "/app/train.py", line 10, in main
    loss.backward()
    ~~~~^^^^^^^^^^^
  File "/opt/conda/lib/python3.10/site-packages/torch/_tensor.py", line 400, in backward
    torch.autograd.backward(self)
ValueError: bad batch 3
"""


def found(text):
    return [(seen.line, seen.rank, chain(seen.facts)) for seen in scan(textwrap.dedent(text).splitlines())]


def chain(facts):
    return " < ".join(f"{link.type}: {link.message}" for link in links(facts))


def test_a_traceback_gives_type_message_frames_and_source_lines():
    (seen,) = scan(TRACEBACK.splitlines())
    assert (seen.line, seen.facts.type, seen.facts.message) == (1, "ValueError", "bad batch 3")
    assert [(f.file, f.function, f.line, f.in_app, f.code) for f in seen.facts.frames] == [
        ("/app/train.py", "main", 10, True, "loss.backward()"),
        (
            "/opt/conda/lib/python3.10/site-packages/torch/_tensor.py",
            "backward",
            400,
            False,
            "torch.autograd.backward(self)",
        ),
    ]


@pytest.mark.parametrize(
    "prefix",
    [
        pytest.param("[rank0]: ", id="torch's rank prefix"),
        pytest.param("[default0]:", id="torchrun's prefix"),
        pytest.param("[1]: ", id="a number in brackets"),
        pytest.param("0: ", id="srun -l"),
        pytest.param("(pid=123) ", id="Ray's pid"),
        pytest.param("(train pid=123, ip=10.0.0.2) ", id="Ray's function and pid"),
        pytest.param("(EngineCore_0 pid=7) ERROR 05-12 10:11:12 [core.py:396] ", id="vLLM"),
        pytest.param("2024-01-02T10:11:12.123456Z stderr F ", id="Kubernetes"),
        pytest.param("trainer-1  | ", id="docker compose"),
        pytest.param("2024-01-02 10:11:12,123 ERROR train: ", id="a logger on each line"),
        pytest.param("\x1b[31m", id="colour"),
        pytest.param("> ", id="quoted in a mail"),
    ],
)
def test_a_prefix_on_every_line_is_taken_off(prefix):
    (seen,) = scan([prefix + line for line in TRACEBACK.splitlines()])
    assert (seen.facts.type, seen.facts.message, len(seen.facts.frames)) == ("ValueError", "bad batch 3", 2)


def test_the_time_in_a_prefix_may_change_from_line_to_line():
    lines = [f"2024-01-02 10:11:{number:02},{number} E {line}" for number, line in enumerate(TRACEBACK.splitlines())]
    assert [seen.facts.message for seen in scan(lines)] == ["bad batch 3"]


def test_interleaved_ranks_are_kept_apart():
    lines = [f"[rank{rank}]: {line}" for line in TRACEBACK.splitlines() for rank in (0, 1, 2)]
    seen = list(scan(lines))
    assert [(one.rank, one.facts.message, len(one.facts.frames)) for one in seen] == [
        (0, "bad batch 3", 2),
        (1, "bad batch 3", 2),
        (2, "bad batch 3", 2),
    ]


def test_chains_become_causes():
    text = """
        Traceback (most recent call last):
          File "a.py", line 1, in f
        KeyError: 'x'

        During handling of the above exception, another exception occurred:

        Traceback (most recent call last):
          File "a.py", line 2, in g
        ValueError: bad

        The above exception was the direct cause of the following exception:

        Traceback (most recent call last):
          File "a.py", line 3, in h
        RuntimeError: outer
    """
    assert found(text) == [(2, None, "KeyError: 'x' < ValueError: bad < RuntimeError: outer")]


def test_an_exception_group_becomes_a_group():
    text = """
          + Exception Group Traceback (most recent call last):
          |   File "a.py", line 1, in f
          | ExceptionGroup: two (2 sub-exceptions)
          +-+---------------- 1 ----------------
            | Traceback (most recent call last):
            |   File "a.py", line 2, in g
            | ValueError: a
            | second line
            +---------------- 2 ----------------
            | KeyError: 'b'
            +------------------------------------
        INFO after
    """
    ((line, rank, links_),) = found(text)
    assert (line, rank) == (2, None)
    assert links_ == "ValueError: a\nsecond line < KeyError: 'b' < ExceptionGroup: two (2 sub-exceptions)"


def test_a_quoted_remote_traceback_belongs_to_its_wrapper():
    text = """
        concurrent.futures.process._RemoteTraceback:
        \"\"\"
        Traceback (most recent call last):
          File "w.py", line 3, in work
        ZeroDivisionError: division by zero
        \"\"\"

        The above exception was the direct cause of the following exception:

        Traceback (most recent call last):
          File "main.py", line 9, in <module>
        ZeroDivisionError: division by zero
    """
    ((_, _, links_),) = found(text)
    assert links_ == "ZeroDivisionError: division by zero < ZeroDivisionError: division by zero"


def test_a_notebook_traceback_is_read():
    text = """
        ---------------------------------------------------------------------------
        OutOfMemoryError                          Traceback (most recent call last)
        Cell In[5], line 3
              1 x = 1
        ----> 3 model(x)

        File ~/venv/lib/python3.10/site-packages/torch/nn/modules/module.py:1501, in Module._call_impl(self, *args)
           1499     pass
        -> 1501     return forward_call(*args)

        OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB
    """
    (seen,) = scan(textwrap.dedent(text).splitlines())
    assert (seen.facts.type, seen.facts.message) == (
        "OutOfMemoryError",
        "CUDA out of memory. Tried to allocate 2.00 GiB",
    )
    assert [(f.file, f.function, f.line, f.code, f.in_app) for f in seen.facts.frames] == [
        ("Cell In[5]", "<module>", 3, "model(x)", True),
        (
            "~/venv/lib/python3.10/site-packages/torch/nn/modules/module.py",
            "Module._call_impl",
            1501,
            "return forward_call(*args)",
            False,
        ),
    ]


def test_an_older_notebook_traceback_is_read():
    text = """
        RuntimeError                              Traceback (most recent call last)
        <ipython-input-5-6d1c> in <module>()
        ----> 1 model(x)

        /usr/local/lib/python3.6/dist-packages/torch/nn/modules/module.py in __call__(self, *input)
            489
        --> 491             result = self.forward(*input)

        RuntimeError: size mismatch
    """
    (seen,) = scan(textwrap.dedent(text).splitlines())
    assert [(f.function, f.line, f.in_app) for f in seen.facts.frames] == [
        ("<module>", 1, True),
        ("__call__", 491, False),
    ]
    assert seen.facts.message == "size mismatch"


def test_a_traceback_that_rich_has_framed_is_read():
    text = """
        ╭──────────── Traceback (most recent call last) ─────────────╮
        │ /app/train.py:10 in main                                   │
        │                                                            │
        │    9     x = 1                                             │
        │ ❱ 10     model(x)                                          │
        │ in step:6                                                  │
        ╰────────────────────────────────────────────────────────────╯
        KeyError: 'x'

        During handling of the above exception, another exception occurred:

        ╭──────────── Traceback (most recent call last) ─────────────╮
        │ in <module>:9                                              │
        ╰────────────────────────────────────────────────────────────╯
        ValueError: outer
        second line
    """
    (seen,) = scan(textwrap.dedent(text).splitlines())
    assert chain(seen.facts) == "KeyError: 'x' < ValueError: outer\nsecond line"
    root = links(seen.facts)[0]
    assert [(f.file, f.function, f.line, f.code) for f in root.frames] == [
        ("/app/train.py", "main", 10, "model(x)"),
        ("<unknown>", "step", 6, ""),
    ]


def test_a_syntax_error_and_a_traceback_without_its_head_are_read():
    text = """
          File "x.py", line 3
            foo(
               ^
        SyntaxError: '(' was never closed
    """
    (seen,) = scan(textwrap.dedent(text).splitlines())
    assert (seen.facts.type, seen.facts.message, seen.facts.frames[0].line) == (
        "SyntaxError",
        "'(' was never closed",
        3,
    )


def test_a_message_of_several_lines_ends_where_the_log_goes_on():
    text = TRACEBACK + "see the documentation\n    for more\n\n2024-01-02 10:00:00,1 INFO next\nEpoch 3\n"
    ((_, _, links_),) = found(text)
    assert links_ == "ValueError: bad batch 3\nsee the documentation\n    for more"


@pytest.mark.parametrize(
    "line",
    [
        " 73%|#######   | 4781/9999 [00:13<01:01, 4.63it/s, loss=0.3]",
        "  4%|4         | 4/99 [00:13<01:01, 4.63it/s]",
        "Epoch 3 (train):  45%|####      | 45/100 [00:13<01:01, 4.63it/s]",
        "[5] epoch 4 accuracy 0.37",
        "[0]: step=4 loss=2.5",
    ],
)
def test_a_message_ends_where_the_progress_goes_on(line):
    ((_, _, links_),) = found(TRACEBACK + line + "\nmore\n")
    assert links_ == "ValueError: bad batch 3"


@pytest.mark.parametrize("line", ["  100% of memory", "[5] elements are missing", "  at 3%|4%", "[2, 3] and [4, 5]"])
def test_a_message_goes_on_with_what_only_looks_like_progress(line):
    ((_, _, links_),) = found(TRACEBACK + line + "\n")
    assert links_ == f"ValueError: bad batch 3\n{line}"


def test_a_traceback_that_the_text_ends_in_is_a_failure_of_an_unknown_kind():
    assert found('Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n') == [(1, None, ": ")]
    assert found('  File "a.py", line 1, in f\n    g()\n') == []  # anything prints stacks
    assert found("Traceback (most recent call last):\n") == []


def test_lines_of_other_processes_amid_the_frames_are_skipped():
    lines = TRACEBACK.splitlines()
    lines.insert(3, "wandb: uploading")
    assert [seen.facts.message for seen in scan(lines)] == ["bad batch 3"]


def test_an_endless_traceback_is_bounded_and_still_read():
    frames = ['  File "a.py", line 1, in f', "    f()"] * (5 * MAX_LINES)
    (seen,) = scan(["Traceback (most recent call last):", *frames, "RecursionError: too deep"])
    assert (seen.facts.type, len(seen.facts.frames)) == ("RecursionError", 64)


@given(st.lists(st.sampled_from([*TRACEBACK.splitlines(), "", "  | x", "  +-+--- 1 ---", "INFO", '"""', "A: b"])))
def test_no_order_of_lines_breaks_the_scan(lines):
    assert len(list(scan(lines))) <= len(lines)


@given(st.text(max_size=500))
def test_no_text_breaks_the_scan(text):
    list(scan(text.splitlines()))
    list(scan(["Traceback (most recent call last):", *text.splitlines()]))
