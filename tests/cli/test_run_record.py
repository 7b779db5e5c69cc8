"""What a run leaves in the store, and what happens where there is none to write to."""

import json
import platform
import sys

import pytest

from otel_mldebug.cli.record import Note, parse_notes
from otel_mldebug.store import layout
from otel_mldebug.store.times import parse_rfc3339


def runs(here, store=".mldebug"):
    return [path for path in (here / store).iterdir() if (path / layout.RUN_FILE).is_file()]


def test_run_json_says_what_was_run_and_how_it_ended(here, mldebug, script):
    script("work.py", ["raise SystemExit(3)"])
    mldebug("run", "--quiet", "work.py", "--api-key", "hunter2secret", "--lr", "0.1")
    (run,) = runs(here)
    page = json.loads((run / layout.RUN_FILE).read_text())
    measured = {key: page.pop(key) for key in ("host", "pid", "started", "ended", "cpu_s", "peak_bytes")}
    assert page == {
        "run_id": run.name,
        "argv": [sys.executable, "work.py", "--api-key", "[redacted:api-key]", "--lr", "0.1"],
        "cwd": str(here),
        "python": sys.executable,
        "exit_code": 3,
    }
    assert parse_rfc3339(measured["started"]) < parse_rfc3339(measured["ended"])
    assert measured["cpu_s"] > 0
    assert measured["peak_bytes"] > 2**20


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("short", {"argv": ["true", "~/x"], "cwd": ".", "host": platform.node().partition(".")[0]}),
        ("none", {}),
    ],
)
def test_run_json_shows_as_much_as_the_exposure_allows(here, mldebug, level, expected):
    mldebug("run", "--quiet", "true", "/home/alice/x", environ={"OTEL_MLDEBUG_EXPOSURE": level})
    page = json.loads((runs(here)[0] / layout.RUN_FILE).read_text())
    assert {key: page[key] for key in ("argv", "cwd", "host") if key in page} == expected
    assert ("python" in page) == (level == "short")


def test_of_a_killed_program_the_signal_is_written_down(here, mldebug):
    mldebug("run", "--quiet", "bash", "-c", "kill -9 $$")
    page = json.loads((runs(here)[0] / layout.RUN_FILE).read_text())
    assert (page["signal"], "exit_code" in page) == ("SIGKILL", False)


def test_run_json_is_there_while_the_program_runs(here, start, script, until):
    script("wait.py", ["import time", "open('ready', 'w').close()", "time.sleep(60)"])
    start("run", "--quiet", "wait.py")
    until((here / "ready").exists)
    page = until(lambda: next((layout.read_json(run / layout.RUN_FILE) for run in runs(here)), None))
    assert {"argv", "started", "pid", "host"} <= page.keys()
    assert not {"ended", "exit_code", "signal"} & page.keys()


def test_the_run_id_of_the_environment_is_kept(here, mldebug):
    mldebug("run", "--quiet", "true", environ={"OTEL_MLDEBUG_RUN_ID": "night-7"})
    assert [run.name for run in runs(here)] == ["night-7"]


def test_two_supervisors_of_one_run_do_not_take_each_others_notes(here, start, script, until):
    """As on two hosts of one job that share a directory."""
    script("wait.py", ["import os, sys, time", "while not os.path.exists(sys.argv[1]): time.sleep(0.02)"])
    first, second = (start("run", "wait.py", name, environ={"OTEL_MLDEBUG_RUN_ID": "job-7"}) for name in "ab")
    until(lambda: len(list((here / ".mldebug" / "job-7").glob(".*-*"))) == 2)
    (here / "a").touch()
    told = [first.communicate(timeout=60)[1].decode()]
    (here / "b").touch()
    told.append(second.communicate(timeout=60)[1].decode())
    assert ["PyTorch was not imported" in text for text in told] == [True, True]
    assert [path.name for path in (here / ".mldebug" / "job-7").iterdir()] == ["run.json"]


def test_a_run_inside_a_run_belongs_to_it(here, mldebug, script):
    script("inner.py", ["import os", "print(os.environ['OTEL_MLDEBUG_RUN_ID'])", "raise SystemExit(4)"])
    done = mldebug("run", "bash", "-c", f"{sys.executable} -m otel_mldebug run --name inner inner.py")
    (run,) = runs(here)
    assert (done.returncode, done.stdout) == (4, f"{run.name}\n")
    assert done.stderr.count("otel-mldebug:") == 1, "one verdict"


def test_two_runs_in_one_directory_keep_apart(here, start, script, until):
    failing = "try: {}[name]\nexcept KeyError as exc: otel_mldebug.capture_exception(exc)"
    script(
        "work.py",
        [
            "import os, sys, time, otel_mldebug",
            "name = sys.argv[1]",
            failing,
            "open(name, 'w').close()",
            "while not (os.path.exists('a') and os.path.exists('b')): time.sleep(0.02)",
        ],
    )
    processes = {name: start("run", "work.py", name) for name in "ab"}
    told = {name: process.communicate(timeout=60)[1].decode() for name, process in processes.items()}
    assert [process.returncode for process in processes.values()] == [0, 0]
    assert len(runs(here)) == 2
    for name, other in ("ab", "ba"):
        assert f"KeyError: '{name}'" in told[name]
        assert f"KeyError: '{other}'" not in told[name]


@pytest.mark.parametrize("store", ["file/store", "file", "/proc/store"])
def test_a_store_that_cannot_be_written_is_said_once_and_the_program_runs(here, mldebug, script, told, store):
    (here / "file").touch()
    script("work.py", ["print('hello')", "import otel_mldebug", "otel_mldebug.capture_exception(ValueError('x'))"])
    done = mldebug("run", "--store", store, "work.py")
    assert (done.returncode, done.stdout) == (0, "hello\n")
    assert told(done.stderr).count(told("cannot be written")) == 1
    assert told(f"{store} cannot be written") in told(done.stderr)
    assert "Traceback" not in done.stderr


def test_a_store_of_a_newer_version_is_refused_before_the_program_starts(here, mldebug, script):
    (here / "store").mkdir()
    (here / "store" / layout.FORMAT_FILE).write_text('{"format": 99}')
    script("work.py", ["print('hello')"])
    done = mldebug("run", "--store", "store", "work.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert "format 99" in done.stderr
    assert "--store DIR" in done.stderr


def test_with_the_local_store_off_the_verdict_says_so(here, mldebug, script):
    script("work.py", ["pass"])
    done = mldebug("run", "work.py", environ={"OTEL_MLDEBUG_LOCAL": "false"})
    assert "nothing was kept: the local store is switched off by environment OTEL_MLDEBUG_LOCAL" in done.stderr
    assert [path.name for path in here.iterdir()] == ["work.py"]


def test_quiet_means_nothing_of_ours_and_the_run_is_recorded_all_the_same(here, mldebug, script):
    script("work.py", ["import otel_mldebug", "otel_mldebug.capture_exception(ValueError('x'))"])
    done = mldebug("run", "--quiet", "work.py")
    assert (done.stdout, done.stderr) == ("", "")
    assert len(runs(here)) == 1


@pytest.mark.parametrize(
    ("environ", "words", "message"),
    [
        ({"OTEL_MLDEBUG_BUDGET": "lots"}, [], "OTEL_MLDEBUG_BUDGET='lots' is not usable: expected a number"),
        ({"OTEL_MLDEBUG_BUDGIT": "1"}, [], "OTEL_MLDEBUG_BUDGIT"),
        ({}, ["--budget", "300%"], "budget='300%' is not usable: expected a share from 0 to 1"),
        ({}, ["--prometheus", "many"], "prometheus='many'"),
        ({}, ["--prometheus", "99999"], "prometheus='99999'"),
        ({}, ["--otlp", "collector:4317"], "--otlp 'collector:4317': expected a URL such as http://localhost:4317"),
        ({}, ["--otlp", "http://"], "--otlp 'http://': expected a URL such as http://localhost:4317"),
        ({}, ["--frobnicate"], "unrecognized arguments: --frobnicate"),
    ],
)
def test_settings_are_refused_before_the_program_starts(here, mldebug, script, environ, words, message):
    script("work.py", ["print('hello')"])
    done = mldebug("run", *words, "work.py", environ=environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_file_of_settings_is_refused_before_the_program_starts(here, mldebug, script):
    script("work.py", ["print('hello')"])
    (here / "mldebug.toml").write_text("budget = \n")
    done = mldebug("run", "work.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert "mldebug.toml" in done.stderr


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (["--budget", "1%"], {"OTEL_MLDEBUG_BUDGET": "1%"}),
        (["--name", "cifar"], {"OTEL_SERVICE_NAME": "cifar"}),
        (["--prometheus", "127.0.0.1:9464"], {"OTEL_MLDEBUG_PROMETHEUS": "127.0.0.1:9464"}),
        (["--otlp", "http://c:4317"], {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}),
        (
            ["--otlp", "http://c:4318"],
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
        ),
    ],
)
def test_options_become_the_variables_that_all_processes_read(mldebug, script, words, variables):
    script("ask.py", ["import json, os", "print(json.dumps(dict(os.environ)))"])
    seen = json.loads(mldebug("run", "--quiet", *words, "ask.py").stdout)
    ours = {"OTEL_MLDEBUG_RUN_ID", "OTEL_MLDEBUG_STORE", "OTEL_MLDEBUG_SUPERVISED", "OTEL_MLDEBUG_BOOTSTRAP"}
    assert {key: value for key, value in seen.items() if key.startswith("OTEL_") and key not in ours} == variables


def test_notes_are_read_whole_or_not_at_all():
    lines = ["watched\t12\t/usr/bin/python\t", "torch\t12\t/usr/bin/python\t2.15.0", "watched\t1", "x\tpid\tp\td", ""]
    assert list(parse_notes(lines)) == [
        Note("watched", 12, "/usr/bin/python", ""),
        Note("torch", 12, "/usr/bin/python", "2.15.0"),
    ]
