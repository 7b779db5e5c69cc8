"""What torchrun says of a job that failed: the rank that was first, how it ended, and with what."""

import pytest

from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.unwrap import links

TYPE = "torch.distributed.elastic.multiprocessing.errors.ChildFailedError"
TRACEBACK = """Traceback (most recent call last):
    File "/app/train.py", line 6, in main
      table[key]
  KeyError: '{}'
  """


def failure(rank, code, name="", traceback="", host="localhost"):
    """Return one block of the summary, as PyTorch 2.15 prints it."""
    return (
        f"[{rank}]:\n  time      : 2026-11-22_01:05:15\n  host      : {host}\n"
        f"  rank      : {rank} (local_rank: {rank})\n"
        f"  exitcode  : {code} (pid: 85{rank}8) {name and f' ({name})'}\n  error_file: <N/A>\n"
        f"  traceback : {traceback or f'Signal {-code} ({name}) received by PID 85{rank}8'}\n"
    )


def summary(root, *others):
    return ErrorFacts(
        type=TYPE,
        message=f"\n{'=' * 60}\ntrain.py FAILED\n{'-' * 60}\nFailures:\n{''.join(others) or '  <NO_OTHER_FAILURES>'}\n"
        f"{'-' * 60}\nRoot Cause (first observed failure):\n{root}{'=' * 60}",
    )


def test_a_killed_rank_is_named_and_the_ones_that_the_launcher_ended_are_not():
    finding = explain(summary(failure(1, -9, "SIGKILL"), failure(0, -15, "SIGTERM")))
    assert finding.rule == "distributed.child_failed"
    assert finding.evidence == {"exit_code": -9, "signal": 9, "rank": 1, "local_rank": 1}
    assert finding.summary == (
        "One of the processes that a launcher started has failed: rank 1 (local rank 1), exit code -9, signal 9."
    )
    assert "out-of-memory killer in dmesg" in finding.solutions[0]


def test_several_failing_ranks_are_listed_and_another_host_is_named():
    facts = summary(failure(2, -11, "SIGSEGV", host="node7"), failure(10, 1, traceback="-"), failure(3, -6, "SIGABRT"))
    (only,) = links(facts)
    assert only.message == (
        "train.py FAILED. Root Cause (first observed failure): rank 2 (local_rank: 2) on host node7, exitcode: -11 "
        "(SIGSEGV); failed too: ranks 3, 10"
    )
    assert explain(facts).evidence == {
        "exit_code": -11, "signal": 11, "rank": 2, "local_rank": 2, "host": "node7", "also_failed": "3, 10",
    }  # fmt: skip


def test_a_recorded_traceback_is_that_of_the_root_and_not_of_the_rank_that_is_listed_first():
    facts = summary(
        failure(3, 1, traceback=TRACEBACK.format("root")), failure(0, 1, traceback=TRACEBACK.format("other"))
    )
    root, launcher = links(facts)
    assert (root.type, root.message, root.frames[-1].function) == ("KeyError", "'root'", "main")
    assert launcher.message.endswith("rank 3 (local_rank: 3), exitcode: 1; failed too: rank 0")


def test_it_is_one_group_whenever_it_happened_and_whichever_rank_it_was():
    first = summary(failure(1, -9, "SIGKILL"), failure(0, -15, "SIGTERM"))
    later = summary(failure(6, -9, "SIGKILL"))
    assert explain(first).fingerprint == explain(later).fingerprint
    assert explain(first).fingerprint != explain(summary(failure(1, -11, "SIGSEGV"))).fingerprint


@pytest.mark.parametrize(
    "message",
    [
        "Root Cause (first observed failure):",
        "Root Cause (first observed failure):\n[0]:\n  rank : x\n  exitcode : y\n",
        "see Root Cause (first observed failure) above",
    ],
)
def test_what_is_no_summary_stays(message):
    facts = ErrorFacts(type=TYPE, message=message)
    assert links(facts) == (facts,)
