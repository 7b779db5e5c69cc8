"""`run` is not there, as far as a program can tell: same output, same traceback, same exit code, same signal."""

import signal
import subprocess
import sys

import pytest

FAILING = [
    "import sys",
    "print('out')",
    "print('err', file=sys.stderr)",
    "def work(a):",
    "    return {}[a]",
    "work('key')",
]


@pytest.mark.parametrize("code", [0, 1, 2, 3, 77, 255])
def test_the_exit_code_is_the_programs(mldebug, script, code):
    script("end.py", [f"raise SystemExit({code})"])
    assert mldebug("run", "--quiet", "end.py").returncode == code


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT", "SIGSEGV", "SIGABRT", "SIGHUP", "SIGPIPE", "SIGUSR1"])
def test_it_dies_by_the_signal_that_the_program_died_of(mldebug, script, name):
    script(
        "end.py",
        [
            "import os, signal",
            f"signal.signal(signal.{name}, signal.SIG_DFL)" * (name != "SIGKILL"),
            f"os.kill(os.getpid(), signal.{name})",
        ],
    )
    done = mldebug("run", "end.py")
    assert done.returncode == -getattr(signal, name)
    assert name in done.stderr


def test_a_crash_leaves_one_core_dump_at_most(here, script):
    script("limit.py", ["import os, resource", "print(resource.getrlimit(resource.RLIMIT_CORE)[0])", "os.abort()"])
    code = (
        "import resource, sys; hard = resource.getrlimit(resource.RLIMIT_CORE)[1];"
        "resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)); import otel_mldebug.cli.supervise as s;"
        "from otel_mldebug.cli.supervise import Ending, end_alike;"
        "import os; s.os.kill = lambda *_: print(resource.getrlimit(resource.RLIMIT_CORE)[0]);"
        "end_alike(Ending(signal=6))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(FAILING, id="an exception"),
        pytest.param(["raise SystemExit('a reason')"], id="an exit with a message"),
        pytest.param(["import os; os.write(1, bytes(range(256)))"], id="bytes that are no text"),
        pytest.param(["def f(:"], id="a syntax error"),
        pytest.param(["print(open(0).read())"], id="standard input"),
        pytest.param(["import sys; print(__name__, __file__, sys.argv, sys.path, sys.flags)"], id="what a script sees"),
        pytest.param(["import warnings; warnings.warn('careful')"], id="a warning"),
        pytest.param(
            ["import threading", "t = threading.Thread(target=lambda: 1 / 0)", "t.start(); t.join()"],
            id="a failing thread",
        ),
    ],
)
def test_output_and_traceback_are_the_same_to_the_byte(here, script, lines):
    script("work.py", lines)
    words = ["work.py", "--an", "option with space"]
    runs = [
        subprocess.run([sys.executable, *front, *words], cwd=here, input=b"typed\n", capture_output=True, check=False)
        for front in ([], ["-m", "otel_mldebug", "run", "--quiet"])
    ]
    assert [(run.returncode, run.stdout, run.stderr) for run in runs[:1]] == [
        (run.returncode, run.stdout, run.stderr) for run in runs[1:]
    ]


def test_with_a_verdict_the_programs_own_output_comes_first_and_unchanged(mldebug, script):
    script("work.py", FAILING)
    quiet, full = mldebug("run", "--quiet", "work.py"), mldebug("run", "work.py")
    assert full.stdout == quiet.stdout == "out\n"
    assert full.stderr.startswith(quiet.stderr + "\n")
    assert "KeyError" in full.stderr[len(quiet.stderr) :]


def test_a_program_in_a_pipe_dies_of_sigpipe_as_always(here):
    line = f"{sys.executable} -m otel_mldebug run --quiet yes | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=here, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"y\n{128 + signal.SIGPIPE}\n", "")


def test_everything_after_the_program_is_its_own(mldebug, script):
    script("ask.py", ["import sys", "print(sys.argv[1:])"])
    own = ["--help", "-m", "--quiet", "--store", "x", "--", "-", ""]
    for words in (["--quiet"], ["--quiet", "--"]):
        assert mldebug("run", *words, "ask.py", *own).stdout == f"{own}\n"


def test_open_files_and_the_umask_are_inherited(here):
    command = "exec 7>seven; umask 027; exec $0 -m otel_mldebug run --quiet bash -c 'echo here >&7; umask'"
    done = subprocess.run(["bash", "-c", command, sys.executable], cwd=here, capture_output=True, text=True, check=True)
    assert (done.stdout, (here / "seven").read_text()) == ("0027\n", "here\n")


def test_ignored_signals_stay_ignored_as_under_nohup(here, script):
    script("ask.py", ["import signal", "print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)"])
    command = "trap '' HUP; exec $0 -m otel_mldebug run --quiet ask.py"
    done = subprocess.run(["bash", "-c", command, sys.executable], cwd=here, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_no_signal_is_blocked_in_the_program(mldebug, script):
    script("ask.py", ["import signal", "print(signal.pthread_sigmask(signal.SIG_BLOCK, []))"])
    assert mldebug("run", "--quiet", "ask.py").stdout == "set()\n"


@pytest.mark.parametrize("name", ["old", "noline"])
def test_a_file_that_the_system_refuses_is_named(here, mldebug, name):
    path = here / name
    path.write_text({"old": "#!/no/such/interpreter\n", "noline": "echo hello\n"}[name])
    path.chmod(0o755)
    done = mldebug("run", f"./{name}")
    reason = {
        "old": "could not be started: No such file or directory.",
        "noline": "could not be started: Exec format error. Its first line must name what runs it, as in #!/bin/sh.",
    }[name]
    assert (done.returncode, done.stderr) == (2, f"otel-mldebug run: './{name}' {reason}\n")


def test_a_missing_program_leaves_nothing_behind(here, mldebug):
    done = mldebug("run", "train.py")
    assert (done.returncode, done.stderr) == (2, f"otel-mldebug run: there is no file 'train.py' in {here}.\n")
    assert list(here.iterdir()) == []
