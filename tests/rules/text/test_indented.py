"""Tracebacks that stand indented as a whole, as in a code block, a list or a message of a log."""

import textwrap

import pytest

from otel_mldebug.rules.text.scan import scan

CHAINED = """\
Traceback (most recent call last):
  File "/app/train.py", line 10, in main
    loss.backward()
    ~~~~^^^^^^^^^^^
ValueError: bad batch 3
of two lines

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/train.py", line 60, in <module>
    main()
app.Failed: step 12 failed
"""


@pytest.mark.parametrize("margin", ["  ", "    ", "\t"])
def test_it_is_read_as_if_it_stood_alone(margin):
    (seen,) = scan([*textwrap.indent(CHAINED, margin).splitlines(), "", "step 7 loss 0.3"])
    (plain,) = scan(CHAINED.splitlines())
    assert seen.facts == plain.facts
    assert seen.facts.cause.message == "bad batch 3\nof two lines"


def test_a_head_alone_may_be_indented():
    head, *rest = CHAINED.splitlines()
    (seen,) = scan([f"    {head}", *rest])
    (plain,) = scan([head, *rest])
    assert seen.facts == plain.facts


def test_the_log_goes_on_without_the_margin():
    log = [
        "E first",
        *textwrap.indent(CHAINED, "    ").splitlines(),
        "2024-01-02 10:00:09,1 INFO end",
        *CHAINED.splitlines(),
    ]
    assert [(seen.line, seen.facts.message) for seen in scan(log)] == [
        (2, "step 12 failed"),
        (16, "step 12 failed"),
    ]
