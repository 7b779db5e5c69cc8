"""What follows on the summary of torchrun is no part of it."""

import pytest

from otel_mldebug.rules.text.scan import scan

SUMMARY = """\
Traceback (most recent call last):
  File "/opt/venv/bin/torchrun", line 8, in <module>
    sys.exit(main())
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
train.py FAILED
------------------------------------------------------------
Failures:
  <NO_OTHER_FAILURES>
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  time      : 2026-11-22_04:03:46
  host      : gpu-1
  rank      : 0 (local_rank: 0)
  exitcode  : -9 (pid: 19533)
  error_file: <N/A>
  traceback : Signal 9 (SIGKILL) received by PID 19533
============================================================
"""
KILLED = "slurmstepd: error: Detected 1 oom_kill event in StepId=123.0. Some of the step tasks have been OOM Killed."


def test_the_summary_is_whole_and_the_scheduler_speaks_for_itself():
    (alone,) = scan(SUMMARY.splitlines())
    launcher, scheduler = scan([*SUMMARY.splitlines(), KILLED])

    assert launcher == alone
    assert launcher.facts.message.endswith("=" * 60)
    assert "rank      : 0 (local_rank: 0)" in launcher.facts.message
    assert (scheduler.line, scheduler.facts.message) == (20, KILLED)


@pytest.mark.parametrize(
    "line",
    [
        "srun: error: gpu-1: task 0: Exited with exit code 1",
        "slurmstepd: error: *** STEP 123.0 ON gpu-1 CANCELLED AT 2026-11-22T04:03:50 ***",
    ],
)
def test_what_the_scheduler_says_of_the_end_of_a_failed_job_is_no_failure_of_its_own(line):
    assert len(list(scan([*SUMMARY.splitlines(), line]))) == 1
    assert len(list(scan([line]))) == 1


def test_a_limit_that_the_scheduler_enforced_is_one():
    line = "slurmstepd: error: *** STEP 123.0 ON gpu-1 CANCELLED AT 2026-11-22T04:03:50 DUE TO TIME LIMIT ***"
    assert len(list(scan([*SUMMARY.splitlines(), line]))) == 2
