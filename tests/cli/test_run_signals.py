"""Signals: what another process sends to the supervisor reaches the program once, and there is always a verdict."""

import os
import signal

import pytest

WAITING = [
    "import os, signal, sys, time",
    "got = []",
    "def note(number, _):",
    "    got.append(signal.Signals(number).name)",
    "    if number != signal.SIGUSR1: sys.exit(' '.join(got) + ' stopped')",
    "for name in ('SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'):",
    "    signal.signal(getattr(signal, name), note)",
    "open('ready', 'w').close()",
    "while True: time.sleep(0.02)",
]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR2"])
def test_a_signal_sent_to_the_supervisor_is_handed_on(here, start, script, until, name):
    script("wait.py", WAITING)
    process = start("run", "wait.py")
    until((here / "ready").exists)
    process.send_signal(getattr(signal, name))
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1, "the exit code that the program chose"
    assert stderr.decode().startswith(f"{name} stopped\n")
    assert "wait.py ended with exit code 1" in stderr.decode()


def test_the_program_may_go_on_after_a_signal(here, start, script, until):
    script("wait.py", WAITING)
    process = start("run", "wait.py")
    until((here / "ready").exists)
    process.send_signal(signal.SIGUSR1)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)
    assert stderr.decode().splitlines()[0] in ("SIGUSR1 SIGTERM stopped", "SIGTERM stopped")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGKILL"])
def test_a_program_that_is_ended_in_mid_run_gets_a_verdict(here, start, script, until, name):
    script(
        "wait.py", ["import os, time", "open('pid', 'w').write(f'{os.getpid()}\\n')", "while True: time.sleep(0.02)"]
    )
    process = start("run", "wait.py")
    pid = int(
        until(
            lambda: (here / "pid").exists() and (here / "pid").read_text().endswith("\n") and (here / "pid").read_text()
        )
    )
    os.kill(pid, getattr(signal, name))
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == -getattr(signal, name)
    assert name in stderr.decode()
    assert "recorded" in stderr.decode()


def test_sigterm_to_the_supervisor_ends_a_program_without_a_handler_and_says_who_asked(
    here, start, script, until, told
):
    script("wait.py", ["import time", "open('ready', 'w').close()", "while True: time.sleep(0.02)"])
    process = start("run", "wait.py")
    until((here / "ready").exists)
    process.terminate()
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM
    assert told("wait.py was ended by SIGTERM after") in told(stderr.decode())
    assert told("The signal was sent to otel-mldebug, which handed it on.") in told(stderr.decode())


def test_what_the_program_sends_to_its_own_group_does_not_come_back_to_it(here, start, script):
    script(
        "group.py",
        [
            "import os, signal, time",
            "count = 0",
            "def note(*_):",
            "    global count",
            "    count += 1",
            "signal.signal(signal.SIGUSR1, note)",
            "os.killpg(0, signal.SIGUSR1)",
            "time.sleep(0.3)  # whoever wants to send it back has had the time",
            "print(count)",
        ],
    )
    process = start("run", "--quiet", "group.py")
    stdout, _ = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (0, b"1\n")


def test_sigkill_and_os_exit_leave_the_findings_made_before(mldebug, script):
    for ending in ("os.kill(os.getpid(), 9)", "os._exit(7)"):
        script(
            "work.py",
            [
                "import os, otel_mldebug",
                "try: open('no-such-file.csv')",
                "except OSError as exc: otel_mldebug.capture_exception(exc)",
                ending,
            ],
        )
        done = mldebug("run", "work.py")
        assert "no-such-file.csv" in done.stderr
        assert "1 finding in" in done.stderr
