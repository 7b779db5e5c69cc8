"""Children that `multiprocessing` starts: what ends one of them is a finding of that process."""

import os

import pytest

PROCESS = """\
import multiprocessing, operator
if __name__ == "__main__":
    child = multiprocessing.get_context("{way}").Process(name="worker", target=operator.truediv, args=(1, 0))
    child.start()
    child.join()
"""
START = "import otel_mldebug.wiring as wiring; wiring.start()\n"
WAYS = ["fork", "forkserver", "spawn"] if hasattr(os, "fork") else ["spawn"]


@pytest.mark.parametrize("way", WAYS)
def test_what_ends_a_child_is_one_finding_and_it_prints_what_it_would(programs, way):
    code = PROCESS.format(way=way)
    plain = programs.run("\n" + code)
    watched = programs.run(START + code, OTEL_MLDEBUG_NOTES="false")
    assert (watched.stdout, watched.stderr, watched.code) == (plain.stdout, plain.stderr, plain.code)
    (finding,) = watched.findings()
    assert (finding["exception.message"], finding["mldebug.context.uncaught"]) == ("division by zero", "process worker")


def test_what_a_child_got_over_and_printed_or_ended_with_on_purpose_is_none(programs):
    done = programs.run(
        START + "import multiprocessing, sys, traceback\n"
        "def work():\n"
        "    try: 1 / 0\n"
        "    except ZeroDivisionError: traceback.print_exc()\n"
        "    sys.exit(3)\n"
        "if __name__ == '__main__':\n"
        "    child = multiprocessing.Process(target=work)\n    child.start()\n    child.join()\n"
        "    sys.exit(child.exitcode)\n"
    )
    assert (done.stderr.count("ZeroDivisionError: "), done.code) == (1, 3)
    assert not done.store.exists()
