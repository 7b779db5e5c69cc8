"""Failures for want of memory or of stack: reported all the same, and the program goes on as without us."""

import sys

import pytest

START = "import otel_mldebug, otel_mldebug.wiring as wiring; wiring.start()\n"
LIMITED = """
import resource
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 16 * 2**20,) * 2)
taken = []
"""
TAKING = "while True: taken.append(bytearray(2**18))\n"

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of address space, and /proc")


def rules(done):
    return [finding["mldebug.finding.rule"] for finding in done.findings()]


@linux
def test_a_program_that_ends_for_want_of_memory_is_one_finding(programs):
    done = programs.run(START + LIMITED + TAKING)
    assert rules(done) == ["host.oom"]
    assert done.code == 1
    assert done.stderr.rstrip().endswith("MemoryError")


@linux
def test_a_program_that_goes_on_after_it_is_left_alone(programs):
    taking = f"try:\n    {TAKING}except MemoryError as exc:\n    otel_mldebug.capture_exception(exc)\n"
    done = programs.run(START + LIMITED + taking + "del taken\nprint('goes on')\n")
    assert rules(done) == ["host.oom"]
    assert (done.code, done.stdout) == (0, "goes on\n")


@linux
def test_what_is_set_aside_takes_no_memory_and_little_of_a_limit(programs):
    code = (
        "import resource\nfrom otel_mldebug.wiring import reserve\n"
        "def pages():\n"
        "    return [int(n) * resource.getpagesize() // 2**20 for n in open('/proc/self/statm').read().split()]\n"
        "before = pages(); reserve.hold(); reserve.hold(); held = pages(); reserve.release(); after = pages()\n"
        "print(held[0] - before[0], held[1] - before[1] < 2, after[0] - before[0])\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**30,) * 2)\n"
        "reserve.hold(); print(pages()[0] - after[0])\n"
    )
    assert programs.run(code).stdout == "64 True 0\n16\n"


def test_a_stack_that_is_used_up_is_reported_where_there_is_room_again(programs):
    code = """
def down(depth):
    try:
        return down(depth + 1)
    except RecursionError as exc:
        otel_mldebug.capture_exception(exc)
        raise
try:
    down(0)
except RecursionError:
    print("back")
"""
    done = programs.run(START + code)
    assert rules(done) == ["python.recursion"]
    assert (done.code, done.stdout) == (0, "back\n")
