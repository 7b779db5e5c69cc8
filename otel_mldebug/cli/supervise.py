"""Start a program, stay out of its way, hand signals on to it, and learn how it ended.

The program keeps the terminal, the process group and the three standard streams. Signals that the terminal sends
(Ctrl-C, a hang-up) reach every process of the group by themselves, so only those that another process sent
to us alone are handed on. Nothing here runs in a signal handler: the signals are blocked, and waited for.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from otel_mldebug.cli.program import Program
from otel_mldebug.errors import UsageError

_HANDED_ON = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2")

_FROM_KERNEL = 0x80
"""`si_code` of a signal that the terminal made. Source: Linux include/uapi/asm-generic/siginfo.h, SI_KERNEL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a program ended.

    Attributes:
        code: Its exit code; None when a signal ended it.
        signal: Number of the signal that ended it.
        started_ns: Wall time when it was started, nanoseconds since the epoch.
        ended_ns: Wall time when it was seen to have ended.
        cpu_s: Processor time of it and of those of its children that it waited for.
        peak_bytes: Largest resident memory of one of them.
        handed_on: Names of the signals that were sent to us and handed on to it.
    """

    code: int | None = None
    signal: int | None = None
    started_ns: int = 0
    ended_ns: int = 0
    cpu_s: float | None = None
    peak_bytes: int | None = None
    handed_on: tuple[str, ...] = ()

    @property
    def signal_name(self) -> str:
        """Return `SIGKILL` and the like; empty when no signal ended it."""
        if self.signal is None:
            return ""
        try:
            return signal.Signals(self.signal).name
        except ValueError:
            return f"signal {self.signal}"


def supervise(program: Program, environ: Mapping[str, str], *, meanwhile: Callable[[], None]) -> Ending:
    """Run `program` to its end; call `meanwhile` once it has been started.

    The signals that are handed on stay blocked in this process afterwards, so that nothing cuts the verdict short.

    Raises:
        UsageError: the system refuses to start it.
    """
    return (_on_windows if os.name == "nt" else _on_posix)(program, environ, meanwhile)


def end_alike(ending: Ending) -> int:
    """End this process by the signal that ended the program, without a core dump, or return its exit code."""
    if ending.signal is None:
        return ending.code or 0
    if os.name != "nt":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if ending.signal not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(ending.signal, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [ending.signal])
        os.kill(os.getpid(), ending.signal)
    return 128 + ending.signal


def _on_posix(program: Program, environ: Mapping[str, str], meanwhile: Callable[[], None]) -> Ending:
    watched = {getattr(signal, name) for name in _HANDED_ON}
    # What we inherited as ignored (nohup, a background job of a script) the program inherits too, and we leave alone.
    watched = {number for number in watched if signal.getsignal(number) is not signal.SIG_IGN}
    signal.signal(signal.SIGCHLD, lambda *_: None)  # the default action, to ignore it, may keep it from being queued
    watched.add(signal.SIGCHLD)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    # Python ignores these two, which would be inherited: a program in a pipe must die of SIGPIPE as it always did.
    restored = [getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ") if hasattr(signal, name)]
    started_ns = time.time_ns()
    try:
        pid = os.posix_spawn(program.executable, program.argv, dict(environ), setsigmask=mask, setsigdef=restored)
    except OSError as exc:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        raise UsageError(f"{program.argv[0]!r} could not be started: {exc.strerror}.{_refusal(exc)}") from None
    _guarded(meanwhile)
    handed_on: list[str] = []
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            break
        _await_signal(pid, watched, handed_on)
    return Ending(
        code=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        started_ns=started_ns,
        ended_ns=time.time_ns(),
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        handed_on=tuple(handed_on),
    )


def _guarded(meanwhile: Callable[[], None]) -> None:
    from otel_mldebug._guard import guard  # not before the program: it brings logging in

    with guard("write down how the program was started"):
        meanwhile()


def _await_signal(pid: int, watched: set[signal.Signals], handed_on: list[str]) -> None:
    """Wait for one signal; hand it on unless the program has it already or sent it itself."""
    if hasattr(signal, "sigwaitinfo"):
        info = signal.sigwaitinfo(watched)
        number, has_it = info.si_signo, info.si_code == _FROM_KERNEL or info.si_pid == pid
    else:  # macOS does not tell who sent it; what a keyboard sends has reached the program
        number = signal.sigwait(watched)
        has_it = number in (signal.SIGINT, signal.SIGQUIT)
    if number != signal.SIGCHLD and not has_it:
        handed_on.append(signal.Signals(number).name)
        # Not reaped yet, so the number is still the program's, even if it has ended in the meantime.
        os.kill(pid, number)


def _refusal(exc: OSError) -> str:
    import errno

    return " Its first line must name what runs it, as in #!/bin/sh." if exc.errno == errno.ENOEXEC else ""


def _on_windows(program: Program, environ: Mapping[str, str], meanwhile: Callable[[], None]) -> Ending:
    import subprocess

    started_ns = time.time_ns()
    try:
        child = subprocess.Popen([program.executable, *program.argv[1:]], env=dict(environ))
    except OSError as exc:
        raise UsageError(f"{program.argv[0]!r} could not be started: {exc.strerror}.") from None
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # the console sends it to the program, which decides what to make of it
    return Ending(code=child.wait(), started_ns=started_ns, ended_ns=time.time_ns())
