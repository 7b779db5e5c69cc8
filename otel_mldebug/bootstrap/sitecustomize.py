"""What every Python started by `otel-mldebug run` executes first: the user's own sitecustomize, then our hooks.

This directory stands first on PYTHONPATH. It may be read by a Python that has no otel-mldebug, from 3.6 on: only the
standard library, nothing printed, nothing raised, and nothing left behind on `sys.path`.
"""

import os
import sys


def _without_this_directory() -> None:
    here = os.path.realpath(os.path.dirname(__file__))  # noqa: PTH120  (pathlib costs 5 ms in every process)
    sys.path[:] = [entry for entry in sys.path if not entry or os.path.realpath(entry) != here]


def _run_the_users_own() -> None:
    """Execute the sitecustomize that would have been found without us, under its own name. Its errors are its own."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


def _note(what: str, detail: str = "") -> None:
    """Tell the supervisor about this process: one line in the file that it made, if it is there."""
    path = os.environ.get("OTEL_MLDEBUG_BOOTSTRAP", "")
    if not path:
        return
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(
                file,
                ("\t".join((what, str(os.getpid()), sys.executable or "", " ".join(detail.split()))) + "\n").encode(),
            )
        finally:
            os.close(file)
    except Exception:  # noqa: BLE001, S110  (another machine, or the supervisor is gone: there is nobody to tell)
        pass


def _start() -> None:
    try:
        from otel_mldebug.wiring import start

        start()
    except Exception as exc:  # noqa: BLE001  (ours: the program goes on without us)
        absent = isinstance(exc, ImportError) and exc.name == "otel_mldebug"
        _note("absent" if absent else "failed", f"{type(exc).__name__}: {exc}")
        return
    _note("watched")
    import atexit

    atexit.register(_at_exit, os.getpid())


def _at_exit(pid: int) -> None:
    """Note whether torch was imported: the verdict on a program in which no step was seen says why."""
    if os.getpid() == pid and "torch" in sys.modules:
        _note("torch", str(getattr(sys.modules["torch"], "__version__", "")))


_without_this_directory()
try:
    _run_the_users_own()
finally:
    _start()
