"""Exception groups on Python 3.10: printed with their members although our hook came first."""

import importlib.util
import sys

import pytest

GROUP = """
from exceptiongroup import ExceptionGroup
raise ExceptionGroup("two", [ValueError("first"), KeyError("second")])
"""


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="Python prints groups itself")
@pytest.mark.skipif(importlib.util.find_spec("exceptiongroup") is None, reason="needs the exceptiongroup package")
def test_members_are_printed_as_without_us(programs):
    watched = programs.run("import otel_mldebug.wiring as wiring; wiring.start()\n" + GROUP)
    bare = programs.run("pass\n" + GROUP)
    assert "ValueError: first" in bare.stderr
    assert watched.stderr.count("ValueError: first") == bare.stderr.count("ValueError: first")
