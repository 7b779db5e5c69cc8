"""On a terminal: the program has it for itself, Ctrl-C reaches it once, and the verdict comes after it."""

import os
import pty
import subprocess
import sys

import pytest

# Makes the terminal that it got as standard input its controlling one, as a shell's is, and becomes the command.
TAKE = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, directory, *words, environ=None):
        self.keyboard, screen = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE, sys.executable, "-m", "otel_mldebug", *words],
            cwd=directory,
            env={**os.environ, "TERM": "xterm", "PYTHONUTF8": "1", **(environ or {})},
            stdin=screen,
            stdout=screen,
            stderr=screen,
            start_new_session=True,
        )
        os.close(screen)
        self.text = ""

    def read_until(self, words):
        """Read until `words` have appeared, or the other side has ended."""
        while words not in self.text:
            try:
                data = os.read(self.keyboard, 65536)
            except OSError:  # EIO: nobody has the terminal open any more
                break
            if not data:
                break
            self.text += data.decode()
        return self.text

    def end(self):
        """Read the rest and return the exit code."""
        self.read_until("\0never")
        code = self.process.wait(timeout=30)
        os.close(self.keyboard)
        return code


@pytest.mark.timeout(60)
def test_the_program_has_the_terminal(here, script):
    script(
        "ask.py",
        [
            "import os",
            "print([os.isatty(fd) for fd in (0, 1, 2)], os.tcgetpgrp(0) == os.getpgrp())",
            "print('you typed', input('name? '))",
        ],
    )
    terminal = Terminal(here, "run", "ask.py")
    terminal.read_until("name? ")
    os.write(terminal.keyboard, b"Ada\n")
    assert terminal.end() == 0
    assert "[True, True, True] True" in terminal.text
    assert "you typed Ada" in terminal.text


@pytest.mark.timeout(60)
def test_ctrl_c_reaches_the_program_once_and_the_supervisor_outlives_it(here, script):
    script(
        "wait.py",
        [
            "import signal, time",
            "count = 0",
            "def note(*_):",
            "    global count",
            "    count += 1",
            "signal.signal(signal.SIGINT, note)",
            "print('ready', flush=True)",
            "while not count: time.sleep(0.02)",
            "time.sleep(0.3)  # whoever wants to send it again has had the time",
            "print('interrupted', count, flush=True)",
        ],
    )
    terminal = Terminal(here, "run", "wait.py")
    terminal.read_until("ready")
    os.write(terminal.keyboard, b"\x03")
    assert terminal.end() == 0
    assert "interrupted 1" in terminal.text
    assert "otel-mldebug: no findings" in terminal.text.partition("interrupted 1")[2]


@pytest.mark.timeout(60)
def test_a_keyboard_interrupt_ends_both_by_sigint_after_traceback_and_verdict(here, script):
    script("wait.py", ["import time", "print('ready', flush=True)", "while True: time.sleep(0.02)"])
    terminal = Terminal(here, "run", "wait.py")
    terminal.read_until("ready")
    os.write(terminal.keyboard, b"\x03")
    assert terminal.end() == -2
    assert "was ended by SIGINT" in terminal.text.partition("KeyboardInterrupt")[2]


@pytest.mark.timeout(60)
def test_the_verdict_begins_on_a_line_of_its_own_after_a_progress_bar(here, script):
    script("bar.py", ["import sys", "sys.stderr.write('\\r100%|####| 3/3')"])
    terminal = Terminal(here, "run", "bar.py", environ={"NO_COLOR": "1"})
    assert terminal.end() == 0
    lines = terminal.text.replace("\r\n", "\n").split("\n")
    assert lines[0].endswith("100%|####| 3/3")
    assert lines[1].startswith("┌─ otel-mldebug")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals_that_want_them(here, script, environ, coloured):
    script("work.py", ["pass"])
    terminal = Terminal(here, "run", "work.py", environ=environ)
    assert terminal.end() == 0
    assert ("\x1b[" in terminal.text) is coloured
