"""`run` started by a launcher once for each rank, as `srun otel-mldebug run train.py` does: one run, one verdict."""

import json

import pytest

from otel_mldebug.instrument.ranks import launch
from otel_mldebug.store import layout

PROGRAM = [
    "import os, sys",
    "import otel_mldebug",
    "with otel_mldebug.recorder().step(loss=1.0): pass",
    "sys.exit(int(sys.argv[1 + int(os.environ['SLURM_PROCID'])]))",
]


def step(rank, tasks=2, number="0"):
    return {
        "SLURM_JOB_ID": "77",
        "SLURM_STEP_ID": number,
        "SLURM_PROCID": str(rank),
        "SLURM_LOCALID": str(rank),
        "SLURM_NTASKS": str(tasks),
    }


@pytest.fixture
def srun(mldebug, script):
    """Return a function that runs each rank under a supervisor of its own, with these exit codes."""

    def run(*codes, number="0"):
        script("work.py", PROGRAM)
        words = ["run", "work.py", *map(str, codes)]
        return [mldebug(*words, environ=step(rank, len(codes), number)) for rank in range(len(codes))]

    return run


def page_of(here, run="slurm-77.0"):
    return json.loads((here / ".mldebug" / run / layout.RUN_FILE).read_text())


def test_all_ranks_are_in_one_run_and_the_first_tells(here, mldebug, srun):
    first, second = srun(0, 0)

    assert "work.py ran through and nothing wrong was seen." in first.stderr
    assert (first.returncode, second.returncode, second.stderr) == (0, 0, "")
    training = json.loads(mldebug("training", "--json").stdout)
    assert (training["run_id"], training["ranks"], training["steps_seen"]) == ("slurm-77.0", [0, 1], 1)
    assert page_of(here)["exit_code"] == 0


@pytest.mark.parametrize("codes", [(0, 3), (3, 0)])
def test_a_rank_that_fails_says_so_and_the_run_has_failed(here, srun, codes):
    done = srun(*codes)

    assert [each.returncode for each in done] == [*codes]
    assert "ended with exit code 3" in done[codes.index(3)].stderr
    assert page_of(here)["exit_code"] == 3


def test_a_further_step_of_the_job_is_a_further_run(here, srun):
    srun(0, 0)
    srun(0, 0, number="1")

    assert [page_of(here, run)["run_id"] for run in ("slurm-77.0", "slurm-77.1")] == ["slurm-77.0", "slurm-77.1"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param(step(1), "slurm-77.0", id="a task of a step"),
        pytest.param({"RANK": "0", "TORCHELASTIC_RUN_ID": "4f1c"}, "torchrun-4f1c", id="a rank of torchrun"),
        pytest.param({**step(0), "RANK": "0", "TORCHELASTIC_RUN_ID": "none"}, "slurm-77.0", id="torchrun says nothing"),
        pytest.param(step(0, tasks=1), "", id="the only task"),
        pytest.param({**step(0), "SLURM_STEP_ID": ""}, "", id="a batch script"),
        pytest.param({"SLURM_JOB_ID": "77"}, "", id="a shell in a job"),
        pytest.param({"TORCHELASTIC_RUN_ID": "4f1c"}, "", id="no rank"),
        pytest.param({"RANK": "0", "TORCHELASTIC_RUN_ID": "none"}, "", id="torchrun by default"),
        pytest.param({**step(0), "SLURM_NTASKS": "many"}, "", id="no number"),
        pytest.param({}, "", id="no launcher"),
    ],
)
def test_the_id_of_a_launch(environ, expected):
    assert launch(environ) == expected
