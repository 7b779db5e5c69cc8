"""What the user wants to run: from the words after `otel-mldebug run` to a command that the system can start."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from otel_mldebug.errors import UsageError

SCRIPTS = (".py", ".pyw", ".pyz")
"""Endings of files that the current Python runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A command that can be started.

    Attributes:
        executable: Path of the file to start.
        argv: Its arguments, with the name it is started under as the first.
        label: What a person calls it: the name of the script, the module or the command.
    """

    executable: str
    argv: tuple[str, ...]
    label: str


def resolve(words: Sequence[str], *, module: bool, environ: Mapping[str, str]) -> Program:
    """Return what to start for PROGRAM and its arguments.

    A Python file, a directory with `__main__.py` and a module (`-m`) run under the current Python; anything else is
    a command, looked for on PATH unless it holds a path separator.

    Raises:
        UsageError: there is no such file, module or command; the message names it and what comes close.
    """
    if not words:
        what = "a module" if module else "a program"
        raise UsageError(f"expected {what} to run, for example: otel-mldebug run train.py --epochs 3")
    name = words[0]
    if module:
        _check_module(name)
        return _python("-m", *words, label=name)
    if name.endswith(SCRIPTS) or Path(name, "__main__.py").is_file():
        if not Path(name).exists():
            raise UsageError(_no_file(Path(name)))
        return _python(*words, label=Path(name).name)
    return Program(executable=_executable(name, environ), argv=tuple(words), label=Path(name).name)


def isolating_flag(argv: Sequence[str]) -> str:
    """Return the flag with which a Python is started without PYTHONPATH or `site`, and so without us; empty if none."""
    if not Path(argv[0]).name.startswith(("python", "pypy")):
        return ""
    words = iter(argv[1:])
    for word in words:
        if word in ("-X", "-W"):
            next(words, None)
        elif not word.startswith("-") or word.startswith("--") or word[1:2] in ("c", "m", ""):
            break
        elif word[1] not in "XW":
            for letter in word[1:]:
                if letter in "EIS":
                    return f"-{letter}"
    return ""


def _python(*words: str, label: str) -> Program:
    if not sys.executable:
        raise UsageError("this Python does not know its own path: name one, as in `otel-mldebug run python train.py`")
    return Program(executable=sys.executable, argv=(sys.executable, *words), label=label)


def _check_module(name: str) -> None:
    from importlib.util import find_spec

    top = name.partition(".")[0]
    here = str(Path.cwd())
    sys.path.insert(0, here)  # as `python -m` does
    try:
        found = find_spec(top)
    except ValueError:  # a module of this process without a spec, such as __main__
        found = None
    finally:
        sys.path.remove(here)
    if found is None:
        local = [entry.stem for entry in Path().iterdir() if entry.suffix == ".py" or entry.is_dir()]
        raise UsageError(f"there is no module {top!r} in {here} or on the path of {sys.executable}.{_near(top, local)}")


def _executable(name: str, environ: Mapping[str, str]) -> str:
    if os.sep in name or (os.altsep and os.altsep in name):
        path = Path(name)
        if path.is_dir():
            raise UsageError(f"{name!r} is a directory without __main__.py: there is nothing in it to run.")
        if not path.exists():
            raise UsageError(_no_file(path))
        if not os.access(path, os.X_OK):
            raise UsageError(f"{name!r} may not be executed. Run: chmod +x {name}, or put in front what runs it")
        return name
    if found := _which(name, environ):
        return found
    if Path(name).is_file():
        raise UsageError(f"{name!r} is a file here and not a command. To run it as one: otel-mldebug run ./{name}")
    known = [entry.name for entry in Path().iterdir() if entry.suffix in SCRIPTS] + list(_commands(environ))
    raise UsageError(f"there is no command {name!r} on PATH.{_near(name, known)}")


def _which(name: str, environ: Mapping[str, str]) -> str | None:
    if os.name == "nt":
        import shutil

        return shutil.which(name, path=environ.get("PATH"))
    for directory in environ.get("PATH", os.defpath).split(os.pathsep):
        path = f"{directory or '.'}/{name}"
        if os.access(path, os.X_OK) and not Path(path).is_dir():
            return path
    return None


def _commands(environ: Mapping[str, str]) -> Iterable[str]:
    for directory in environ.get("PATH", os.defpath).split(os.pathsep):
        if Path(directory or ".").is_dir():
            yield from (entry.name for entry in os.scandir(directory or ".") if os.access(entry.path, os.X_OK))


def _no_file(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no file {str(path)!r}: {path.parent.absolute()} is no directory."
    near = _near(path.name, [entry.name for entry in path.parent.iterdir()])
    return f"there is no file {path.name!r} in {path.parent.resolve()}.{near}"


def _near(name: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, sorted(set(known)), n=3)
    return f" Did you mean {' or '.join(repr(word) for word in near)}?" if near else ""
