"""Who a process is: run, rank, service, host."""

import sys

import pytest

from otel_mldebug.config import Config
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.semconv import names
from otel_mldebug.wiring.identity import identify, ranks


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({}, (None, None, None), id="not distributed"),
        pytest.param({"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "8"}, (3, 1, 8), id="torchrun"),
        pytest.param({"SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_NTASKS": "8"}, (3, 1, 8), id="Slurm"),
        pytest.param({"RANK": "0", "SLURM_PROCID": "5", "SLURM_LOCALID": "5"}, (0, None, None), id="torchrun in Slurm"),
        pytest.param({"LOCAL_RANK": "1"}, (None, None, None), id="a local rank alone says nothing"),
        pytest.param({"RANK": "first", "WORLD_SIZE": "-2"}, (None, None, None), id="no numbers"),
    ],
)
def test_ranks(environ, expected):
    assert ranks(environ) == expected


def test_what_is_unknown_is_no_tag():
    who = identify(Config(run_id="r"), environ={})
    assert who.tags() == {names.MLDEBUG_RUN_ID: "r"}
    who = identify(Config(run_id="r", session="s"), environ={"RANK": "0", "WORLD_SIZE": "2"})
    assert who.tags() == {
        names.MLDEBUG_RUN_ID: "r",
        names.MLDEBUG_SESSION_ID: "s",
        names.MLDEBUG_RANK: 0,
        names.MLDEBUG_WORLD_SIZE: 2,
    }


@pytest.mark.parametrize(
    ("environ", "service"),
    [
        ({"OTEL_SERVICE_NAME": "a", "OTEL_RESOURCE_ATTRIBUTES": "service.name=b"}, "a"),
        ({"OTEL_SERVICE_NAME": " ", "OTEL_RESOURCE_ATTRIBUTES": "x, service.name = b%20c ,y=1"}, "b c"),
    ],
)
def test_the_service_is_called_what_the_environment_says(environ, service):
    assert identify(Config(), environ=environ).service == service


@pytest.mark.parametrize(
    ("argv", "orig_argv", "service"),
    [
        (["train/main.py", "--lr"], ["python", "train/main.py", "--lr"], "main"),
        (["/site/pkg/cli.py"], ["python", "-X", "dev", "-m", "pkg.cli", "-m"], "cli"),
        (["-c"], ["python", "-c", "pass"], "python"),
        (["-"], ["python", "-"], "python"),
        ([""], ["python"], "python"),
        (["-m"], ["python", "-m", "pkg.cli"], "pkg.cli"),
    ],
)
def test_without_a_name_the_service_is_called_after_the_program(monkeypatch, argv, orig_argv, service):
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(sys, "orig_argv", orig_argv)
    assert identify(Config(), environ={}).service == service


def test_the_environment_wins_over_what_we_find_and_secrets_in_the_command_line_are_gone(monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", ["python", "train.py", "--api-key", "abcdefgh12345678", "--lr", "0.1"])
    environ = {"OTEL_RESOURCE_ATTRIBUTES": "host.name=node7,service.instance.id=i1,team=a"}
    resource = identify(Config(run_id="r"), environ=environ).resource(Redactor())
    assert (resource[names.HOST_NAME], resource[names.SERVICE_INSTANCE_ID], resource["team"]) == ("node7", "i1", "a")
    assert resource[names.MLDEBUG_RUN_ID] == "r"
    assert "abcdefgh12345678" not in str(resource)
    assert resource[names.PROCESS_COMMAND_ARGS][-2:] == ("--lr", "0.1")


@pytest.mark.parametrize(
    ("environ", "run_id"),
    [
        ({"RANK": "0", "TORCHELASTIC_RUN_ID": "4f1c"}, "torchrun-4f1c"),
        ({"SLURM_PROCID": "3", "SLURM_JOB_ID": "77", "SLURM_STEP_ID": "1"}, "slurm-77.1"),
        ({"RANK": "0", "TORCHELASTIC_RUN_ID": "none", "SLURM_JOB_ID": "77"}, "slurm-77.0"),
    ],
)
def test_ranks_of_one_launch_are_one_run_without_being_told(environ, run_id):
    assert identify(Config(), environ=environ).run_id == run_id
    assert identify(Config(run_id="set"), environ=environ).run_id == "set"


@pytest.mark.parametrize("environ", [{"TORCHELASTIC_RUN_ID": "4f1c"}, {"RANK": "0", "TORCHELASTIC_RUN_ID": "none"}])
def test_what_is_no_rank_or_says_nothing_makes_no_run(environ):
    assert not identify(Config(), environ=environ).run_id.startswith(("torchrun", "slurm"))


def test_a_run_id_is_made_up_once_and_settings_win():
    assert identify(Config(), run_id="kept", environ={}).run_id == "kept"
    assert identify(Config(run_id="set"), run_id="kept", environ={}).run_id == "set"
    assert identify(Config(), environ={}).run_id != identify(Config(), environ={}).run_id
